// One Event in the grid: a still, its time and camera, what was seen. Its picture is asked for when it comes near the window and dropped
// when it has gone; nothing of an Event whose checks failed is drawn.

/** @import { Event as Row } from "../api/types.js" */
/** @import { OpenedEvent } from "../media/event.js" */
/** @typedef {Awaited<ReturnType<OpenedEvent["card"]>>} Card */
/** @import { Thumbnails } from "../media/thumbs.js" */
import { stateOf } from "../media/state.js";
import { clone, icon, link, part, say, setIcon, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import * as time from "../ui/time.js";
import { labelWords } from "../ui/words.js";

const MARKUP = template`
  <a class="tile" data-part="link">
    <span class="still" data-part="still">
      <img data-part="picture" alt="" hidden>
      <span class="state" data-part="state"></span>
      <span class="on-picture" data-part="kind" hidden><svg class="icon small" aria-hidden="true"><use href="/icons.svg#motion"/></svg></span>
      <span class="on-picture length figures" data-part="length" hidden></span>
      <span class="on-picture kept" data-part="kept" hidden><svg class="icon small" aria-hidden="true"><use href="/icons.svg#bookmark-on"/></svg><span class="vh">Kept</span></span>
    </span>
    <span class="caption">
      <span class="first"><i class="dot" data-part="dot" aria-hidden="true"></i><span class="vh" data-part="new"></span><time data-part="time"></time> <span class="camera" data-part="camera"></span></span>
      <span class="second"><span data-part="label"></span><span class="late" data-part="late" hidden></span></span>
    </span>
  </a>`;

/** Filed this much later than it happened, an Event is said to have come late. */
const LATE_MS = 3 * 60_000;
/** An Event without an end is taken to be recording for this long; then it was cut short, and shows what there is. */
const RECORDING_MS = 3 * 60_000;

/**
 * What a tile is made of. `opened` is null where the checks have failed; `error` says how.
 * @typedef {{row: Row, opened: OpenedEvent | null, error: unknown, camera: string, zone: string, thumbs: Thumbnails, seen: boolean}} TileGiven
 */

export class KsTile extends Living {
  /** @type {TileGiven | null} */
  #given = null;
  /** @type {{release(): void} | null} */
  #picture = null;
  #wanted = new AbortController();

  /** @param {TileGiven} given */
  set given(given) {
    this.#given = given;
    if (this.isConnected && this.firstChild) this.#draw(given);
  }

  get row() { return this.#given?.row ?? null; }

  /** A name that was opened after the tile was drawn. @param {string} name */
  set camera(name) {
    if (!this.#given || this.#given.camera === name) return;
    this.given = { ...this.#given, camera: name };
  }

  markSeen() { if (this.#given) this.given = { ...this.#given, row: { ...this.#given.row, seen: true }, seen: true }; }

  start() {
    this.append(clone(MARKUP));
    if (this.#given) this.#draw(this.#given);
  }

  stop() {
    this.#wanted.abort();
    this.#picture?.release();
    this.#picture = null;
  }

  /** @param {TileGiven} given */
  #draw({ row, opened, error, camera, zone, seen }) {
    this.dataset.event = row.event;
    const at = link(this, "link");
    at.href = `/events/${row.home}/${row.camera}/${row.event}`;
    at.classList.toggle("new", !seen);
    part(this, "new").textContent = seen ? "" : "New. ";
    part(this, "dot").hidden = seen;
    const when = /** @type {HTMLTimeElement} */ (part(this, "time"));
    when.dateTime = new Date(row.filed).toISOString();
    when.textContent = time.clock(row.filed, zone);
    part(this, "camera").textContent = camera;
    part(this, "kept").hidden = !row.kept;
    const late = row.received - row.filed;
    say(this, "late", row.clock_unknown ? "The box at home didn’t know the time" : late > LATE_MS ? `Arrived ${time.span(late)} late` : null);
    if (!opened) return this.#trouble(error);
    if (!this.#picture) this.#state(row.complete ? "" : Date.now() - row.received < RECORDING_MS ? "Recording now" : "Cut short");
  }

  /** Near the window: ask for the picture. */
  near() {
    const { opened, thumbs, row } = this.#given ?? {};
    if (!opened || !thumbs || !row || this.#picture) return;
    // Its picture is made at its end; the update that says so asks again.
    if (!row.complete && Date.now() - row.received < RECORDING_MS) return;
    this.#wanted.abort();
    const wanted = this.#wanted = new AbortController();
    this.run(this.#show(thumbs.want(opened, { signal: wanted.signal }), wanted.signal), (error) => { if (!wanted.signal.aborted) this.#trouble(error); });
  }

  /** Far from it: what was asked for and hasn't come is dropped. */
  away() { this.#wanted.abort(); }

  /** @param {ReturnType<Thumbnails["want"]>} coming @param {AbortSignal} wanted */
  async #show(coming, wanted) {
    const slow = setTimeout(() => { if (!wanted.aborted) this.#state("Getting the picture"); }, 1000);
    try {
      const got = await coming;
      if (wanted.aborted) return got.release();
      this.#picture = got;
      const picture = /** @type {HTMLImageElement} */ (part(this, "picture"));
      picture.src = got.url;
      await picture.decode();
      if (wanted.aborted) return;
      picture.hidden = false;
      this.#state("");
      this.#card(got.card);
    } finally {
      clearTimeout(slow);
    }
  }

  /** @param {Card | null} card */
  #card(card) {
    const label = labelWords(card?.label);
    part(this, "label").textContent = label;
    part(this, "kind").hidden = !label;
    setIcon(part(this, "kind"), card?.label === "manual" ? "manual" : "motion");
    say(this, "length", card ? time.length(card.duration_ms) : null);
  }

  /** @param {unknown} error */
  #trouble(error) {
    if (this.row && !this.row.complete && stateOf(error) === "ended") return this.#state("Cut short");
    switch (stateOf(error)) {
      case "locked": return this.#state("Locked on this device", "lock");
      case "damaged": return this.#state("Damaged or changed", "damaged");
      case "did_not_belong": return this.#foreign();
      case "lockdown": return this.#state("In lockdown", "lock");
      case "ended": return this.#state("No longer here for you", "lock");
      case "offline": case "unavailable": return this.#state("Not reached", "offline");
      default: return this.#state("Can’t be shown", "warn");
    }
  }

  /** It isn't what the list said: it goes, and the list counts it. */
  #foreign() {
    this.dispatchEvent(new Event("ks-foreign", { bubbles: true }));
    (this.closest("li") ?? this).remove();
  }

  /** @param {string} words @param {string} [drawing] */
  #state(words, drawing) {
    const where = part(this, "state");
    where.replaceChildren(...(drawing ? [icon(drawing)] : []), document.createTextNode(words));
    where.hidden = !words;
  }
}

define("ks-tile", KsTile);
