// The days of the list with their tiles and gaps. It only ever grows at its end or is cleared: nothing moves under the reader.

/** @import { EventItem, GapItem, Item } from "../app/event-list.js" */
/** @import { HomeView } from "../app/home.js" */
import { Thumbnails } from "../media/thumbs.js";
import { clone, part, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { gridKeys } from "../ui/grid-keys.js";
import { dayKey, dayWords, when } from "../ui/time.js";
import { KsGap } from "./gap.js";
import { KsTile } from "./tile.js";

const DAY = template`<section class="day"><h2 data-part="day"></h2><ul class="grid" role="list" data-part="grid"></ul></section>`;

const MORE_GAPS = template`<li class="across"><p class="gap"><i class="hatch" aria-hidden="true"></i><span data-part="words"></span></p></li>`;

/** More gaps in a row than this are folded. */
const GAPS_SHOWN = 2;

export class KsEventGrid extends Living {
  #thumbs = new Thumbnails({ parallel: 3 });
  /** @type {Map<string, KsTile>} */
  #tiles = new Map();
  /** @type {Map<string, KsGap>} */
  #gaps = new Map();
  /** @type {IntersectionObserver | null} */
  #eyes = null;
  /** @type {HomeView | null} */
  home = null;
  /** Tiles stay as they are while the list waits behind an Event. */
  asleep = false;

  start() {
    this.#eyes = new IntersectionObserver((seen) => this.#looked(seen), { rootMargin: "320px 0px" });
    gridKeys(this, "a.tile", this.signal);
  }

  stop() { this.#eyes?.disconnect(); }

  /** How many Events are shown. */
  get size() { return this.#tiles.size; }

  /** The tiles as they stand. */
  get tiles() { return [...this.#tiles.values()]; }

  clear() {
    this.#eyes?.disconnect();
    this.#tiles.clear();
    this.#gaps.clear();
    this.replaceChildren();
  }

  /** @param {Item[]} items newest first, all older than what is there */
  add(items) {
    /** @type {GapItem[]} */
    let gaps = [];
    const flush = () => { this.#addGaps(gaps); gaps = []; };
    for (const item of items) {
      if (item.kind === "gap") {
        if (gaps.length > 0 && this.#day(gaps[0].at) !== this.#day(item.at)) flush();
        gaps.push(item);
        continue;
      }
      flush();
      this.#gridOf(item.at).append(item.kind === "event" ? this.#tile(item) : this.#moreGaps(item.at));
    }
    flush();
  }

  /** A known gap has grown: its words change, its place does not. @param {GapItem} item */
  renewGap({ gap }) {
    const drawn = this.#gaps.get(gap.gap);
    if (drawn) drawn.given = { gap, camera: this.#view.cameraName(gap.camera), zone: this.#view.zone };
  }

  /** Draws a known Event anew. @param {EventItem} item */
  renew(item) {
    const tile = this.#tiles.get(item.row.event);
    if (!tile) return;
    tile.given = this.#given(item);
    this.#eyes?.unobserve(tile);
    this.#eyes?.observe(tile);
  }

  /** @param {string} event */
  tile(event) { return this.#tiles.get(event) ?? null; }

  /** @param {string} event */
  drop(event) {
    const tile = this.#tiles.get(event);
    this.#tiles.delete(event);
    (tile?.closest("li") ?? tile)?.remove();
  }

  /** Cameras' names were opened after their tiles were drawn. */
  rename() {
    for (const tile of this.tiles) if (tile.row) tile.camera = this.#view.cameraName(tile.row.camera);
    for (const drawn of this.#gaps.values()) if (drawn.given) drawn.given = { ...drawn.given, camera: this.#view.cameraName(drawn.given.gap.camera) };
  }

  get #view() {
    if (!this.home) throw new Error("the grid is drawn for a home");
    return this.home;
  }

  /** The grid of the day of this time; a new day begins a new one. @param {number} at @returns {HTMLElement} */
  #gridOf(at) {
    const { zone } = this.#view;
    const day = this.#day(at);
    const last = this.lastElementChild;
    if (last instanceof HTMLElement && last.dataset.day === day) return part(last, "grid");
    const section = /** @type {HTMLElement} */ (clone(DAY).firstElementChild);
    section.dataset.day = day;
    part(section, "day").textContent = dayWords(day, zone);
    this.append(section);
    return part(section, "grid");
  }

  /** @param {number} at */
  #day(at) { return dayKey(at, this.#view.zone); }

  /** @param {number} at */
  #moreGaps(at) {
    const place = /** @type {HTMLElement} */ (clone(MORE_GAPS).firstElementChild);
    part(place, "words").textContent = `There are more times without a recording before ${when(at, this.#view.zone)} than can be listed here. Choose a day or a camera to see them.`;
    return place;
  }

  /** @param {EventItem} item */
  #tile(item) {
    const place = document.createElement("li");
    const tile = new KsTile();
    tile.given = this.#given(item);
    this.#tiles.set(item.row.event, tile);
    place.append(tile);
    this.#eyes?.observe(tile);
    return place;
  }

  /** @param {EventItem} item @returns {import("./tile.js").TileGiven} */
  #given({ row, opened, error }) {
    const home = this.#view;
    return {
      row, opened, error, thumbs: this.#thumbs, zone: home.zone, camera: home.cameraName(row.camera), seen: row.seen || home.session.seen.has(row.event),
    };
  }

  /** @param {GapItem[]} gaps */
  #addGaps(gaps) {
    if (gaps.length === 0) return;
    const place = document.createElement("li");
    place.className = "across";
    const elements = gaps.map(({ gap }) => this.#gap(gap));
    if (gaps.length <= GAPS_SHOWN) place.append(...elements);
    else place.append(folded(`${gaps.length} times without a recording`, elements));
    this.#gridOf(gaps[0].at).append(place);
  }

  /** @param {GapItem["gap"]} gap */
  #gap(gap) {
    const made = new KsGap();
    made.given = { gap, camera: this.#view.cameraName(gap.camera), zone: this.#view.zone };
    this.#gaps.set(gap.gap, made);
    return made;
  }

  /** @param {IntersectionObserverEntry[]} seen */
  #looked(seen) {
    if (this.asleep) return;
    // What is asked for last is fetched first, and the reader begins at the top.
    for (const { target, isIntersecting } of seen.reverse()) {
      if (!(target instanceof KsTile)) continue;
      if (isIntersecting) target.near();
      else target.away();
    }
  }
}

/** @param {string} words @param {HTMLElement[]} what */
function folded(words, what) {
  const fold = document.createElement("details");
  fold.className = "gaps";
  fold.append(Object.assign(document.createElement("summary"), { textContent: words }), ...what);
  return fold;
}

define("ks-event-grid", KsEventGrid);
