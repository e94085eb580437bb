// One Event: the video, what it is, what one can do with it, who has seen it. What came is compared with what the address asks for before
// anything of it is shown.

/** @import { EventDetail } from "../api/types.js" */
/** @import { OpenedEvent } from "../media/event.js" */
/** @import { HomeView } from "../app/home.js" */
import { errorWords, stateWords } from "../app/states.js";
import { DidNotBelong } from "../crypto/errors.js";
import { KsEventActions } from "../elements/event-actions.js";
import { KsNeighbours } from "../elements/neighbours.js";
import { KsPlayer } from "../elements/player.js";
import { KsTrust } from "../elements/trust.js";
import { KsViewers } from "../elements/viewers.js";
import { openEvent } from "../media/event.js";
import { stateOf } from "../media/state.js";
import { button, clone, link, part, say, template, typed } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { playerKeys } from "../ui/player-keys.js";
import { go } from "../ui/router.js";
import * as time from "../ui/time.js";
import { bytes, labelWords } from "../ui/words.js";
import { Page } from "./page.js";

const MARKUP = template`
  <div class="event-page">
    <div class="event-top"><a class="button plain" href="/events" data-part="back"><svg class="icon small" aria-hidden="true"><use href="/icons.svg#left"/></svg>Events</a><ks-neighbours data-part="neighbours"></ks-neighbours></div>
    <div class="event-main"><ks-player data-part="player"></ks-player></div>
    <div class="event-side">
      <header class="event-head"><h1 data-part="camera">Event</h1><p class="quiet"><time data-part="when"></time> <span data-part="what"></span></p></header>
      <ks-trust data-part="trust" hidden></ks-trust>
      <ks-event-actions data-part="actions"></ks-event-actions>
      <dl class="facts" data-part="facts" hidden>
        <div><dt>Arrived</dt><dd data-part="arrived"></dd></div>
        <div><dt>Size</dt><dd data-part="size"></dd></div>
        <div data-part="clock-row" hidden><dt>Time</dt><dd>The box at home didn’t know the time. This is when it arrived.</dd></div>
      </dl>
      <section class="stack-2" data-part="viewers-section" hidden><h2>Who viewed this</h2><ks-viewers data-part="viewers"></ks-viewers><p class="quiet" data-part="nobody" hidden>Nobody yet.</p>
        <button type="button" class="button plain" data-part="more-viewers" hidden>Show earlier</button></section>
      <p class="keys quiet"><small>Keys: <kbd>space</kbd> play, <kbd>←</kbd> <kbd>→</kbd> 5 seconds, <kbd>,</kbd> <kbd>.</kbd> one frame, <kbd>f</kbd> full screen, <kbd>m</kbd> sound, <kbd>j</kbd> <kbd>k</kbd> other Events, <kbd>esc</kbd> back</small></p>
    </div>
  </div>`;

/** An Event whose end has not come after this long was cut short. */
const CUT_MS = 15 * 60_000;
/** How often an Event that is being recorded is asked for more. */
const FOLLOW_MS = 3000;

class KsEventPage extends Page {
  heading = "Event";
  /** @type {EventDetail | null} */
  #detail = null;
  /** @type {OpenedEvent | null} */
  #opened = null;
  /** By a lockdown or the end of access. */
  #stopped = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #following;
  /** @type {string | null} */
  #viewsBefore = null;

  start() {
    const { home: asked, event } = this.place.params;
    if (this.session.home(asked)) this.session.choose(asked);
    this.session.last = event;
    const copy = clone(MARKUP);
    typed(copy, "viewers", KsViewers).events = false;
    this.append(copy);
    this.on(link(this, "back"), "click", (/** @type {MouseEvent} */ click) => { if (this.behind) { click.preventDefault(); history.back(); } });
    this.on(part(this, "neighbours"), "click", (/** @type {MouseEvent} */ click) => this.#neighbour(click));
    this.on(this, "ks-opened", () => this.run(this.#seen(), () => {}));
    this.on(this, "ks-deleted", () => this.#leave());
    this.on(this, "ks-again", () => this.#again());
    this.on(button(this, "more-viewers"), "click", () => this.run(this.#viewers(), () => {}));
    playerKeys(this.#deeds(), this.signal);
    const home = this.session.home(asked);
    if (!home) return this.#refused(null, "ended", "There is nothing here for you. It may have been deleted, or it belongs to a home that you are not part of.");
    this.#listen(home);
    this.run(this.#load(home), (error) => this.#refused(error));
  }

  /** @returns {import("../ui/player-keys.js").Deeds} */
  #deeds() {
    const player = typed(this, "player", KsPlayer);
    const step = (/** @type {"newer" | "older"} */ way) => {
      const to = this.#detail?.[way];
      if (to) go(`/events/${this.place.params.home}/${to.camera}/${to.event}`, { replace: true });
    };
    return {
      toggle: () => player.toggle(), skip: (s) => player.skip(s), step: (n) => player.step(n), mute: () => player.mute(), full: () => player.full(),
      earlier: () => step("older"), later: () => step("newer"), back: () => this.#leave(),
    };
  }

  /** Neighbours take this place in the history: Back always leads to the list. @param {MouseEvent} click */
  #neighbour(click) {
    const anchor = click.target instanceof Element ? click.target.closest("a") : null;
    if (!anchor || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey) return;
    click.preventDefault();
    if (anchor.href) go(new URL(anchor.href).pathname, { replace: true });
  }

  #leave() {
    if (this.behind) history.back();
    else go("/events", { replace: true });
  }

  #again() {
    const home = this.session.home(this.place.params.home);
    if (home) this.run(this.#load(home), (error) => this.#refused(error));
  }

  /** @param {HomeView} home */
  #listen(home) {
    const { params } = this.place;
    this.on(home, "change", () => {
      part(this, "camera").textContent = home.cameraName(params.camera);
      if (this.#stopped && !home.ended && !home.lockdown) { this.#stopped = false; return this.#again(); }
      if (this.#stopped || !home.ended && !home.lockdown) return;
      this.#stopped = true;
      this.#clearDetails();
      typed(this, "player", KsPlayer).cut(stateWords(home.ended ? "ended" : "lockdown"));
    });
    this.on(home, "event", (/** @type {CustomEvent<{camera: string, event: string}>} */ { detail }) => {
      if (detail.event === params.event && detail.camera === params.camera) this.run(this.#renew(home), (error) => this.#renewFailed(error));
    });
  }

  /** @param {HomeView} home */
  async #load(home) {
    const { params: { camera } } = this.place;
    part(this, "camera").textContent = home.cameraName(camera);
    if (home.lockdown) {
      this.#stopped = true;
      return this.#refused(null, "lockdown");
    }
    if (!home.opened) return this.#refused(null, home.trouble ?? "locked", home.trouble === "locked" ? undefined : home.troubleWords);
    const detail = await this.#read(home);
    this.#draw(home, detail);
    this.#opened = await openEvent({ client: home.session.client, open: home.opened, row: detail.event });
    if (this.signal.aborted) return;
    typed(this, "player", KsPlayer).show(this.#opened, detail, home.zone);
    typed(this, "actions", KsEventActions).show(home, this.#opened, detail);
    this.#card(this.#opened, detail);
    this.#follow(home);
  }

  /** Updates tell of an Event's beginning and end; while it is being recorded, what has come in between is asked for. @param {HomeView} home */
  #follow(home) {
    clearTimeout(this.#following);
    const row = this.#detail?.event;
    if (!row || row.complete || Date.now() - row.received > CUT_MS) return;
    this.#following = setTimeout(() => this.run(this.#renew(home), (error) => { this.#renewFailed(error); this.#follow(home); }), FOLLOW_MS);
  }

  /** What the server answers must be what the address asks for. @param {HomeView} home @returns {Promise<EventDetail>} */
  async #read(home) {
    const { params: { camera, event } } = this.place;
    const detail = await home.session.client.event(home.id, camera, event, { signal: this.signal });
    const row = detail.event;
    if (row.home !== home.id || row.camera !== camera || row.event !== event) throw new DidNotBelong();
    return detail;
  }

  /** @param {HomeView} home @param {EventDetail} detail */
  #draw(home, detail) {
    this.#detail = detail;
    const row = detail.event;
    const when = /** @type {HTMLTimeElement} */ (part(this, "when"));
    when.dateTime = new Date(row.filed).toISOString();
    when.textContent = `${time.dayWords(time.dayKey(row.filed, home.zone), home.zone)}, ${time.clock(row.filed, home.zone)}`;
    const late = row.received - row.filed;
    part(this, "arrived").textContent = `${time.when(row.received, home.zone)}${late > 180_000 && !row.clock_unknown ? `, ${time.span(late)} late` : ""}`;
    part(this, "size").textContent = bytes(row.bytes);
    part(this, "clock-row").hidden = !row.clock_unknown;
    if (!row.complete && Date.now() - row.received > CUT_MS) typed(this, "player", KsPlayer).tell("This recording ends early: the box at home stopped while recording.");
    part(this, "facts").hidden = false;
    typed(this, "neighbours", KsNeighbours).show(home.id, detail.newer, detail.older);
    typed(this, "actions", KsEventActions).show(home, this.#opened, detail);
  }

  /** What was seen, once that has come; without it the video plays all the same. @param {OpenedEvent} opened @param {EventDetail} detail */
  #card(opened, detail) {
    if (!detail.segments.some(({ kind }) => kind === "card")) return say(this, "what", detail.event.complete ? null : "· Recording now");
    this.run(opened.card({ signal: this.signal }).then((card) => say(this, "what", `· ${labelWords(card.label)} · ${time.length(card.duration_ms)}`)), () => say(this, "what", null));
  }

  /** More of it has come, or it was kept. @param {HomeView} home */
  async #renew(home) {
    if (!this.#opened || this.#stopped) return;
    const detail = await this.#read(home);
    this.#draw(home, detail);
    typed(this, "player", KsPlayer).renew(detail);
    this.#card(this.#opened, detail);
    this.#follow(home);
  }

  stop() { clearTimeout(this.#following); }

  /** @param {unknown} error */
  #renewFailed(error) {
    if (stateOf(error) === "ended") typed(this, "player", KsPlayer).cut("This Event is no longer here. Somebody of your home may have deleted it.");
  }

  /** The first picture is there: it counts as seen, and the marks and the viewers are shown. */
  async #seen() {
    const { home: id, camera, event } = this.place.params;
    const home = this.session.home(id);
    if (!home || this.session.seen.has(event) && !part(this, "viewers-section").hidden) return;
    const trust = typed(this, "trust", KsTrust);
    trust.hidden = false;
    trust.mark = "opened";
    this.session.seen.add(event);
    await this.session.client.markSeen(id, camera, event, { signal: this.signal }).catch(() => {});
    await this.#viewers();
  }

  async #viewers() {
    const { home: id, camera, event } = this.place.params;
    const home = this.session.home(id);
    if (!home) return;
    const page = await this.session.client.eventViews(id, camera, event, { limit: 20, before: this.#viewsBefore }, { signal: this.signal });
    this.#viewsBefore = page.next;
    const viewers = typed(this, "viewers", KsViewers);
    viewers.add(home, page.views.filter(({ kind }) => kind === "opened" || kind === "downloaded" || kind === "refused"));
    part(this, "viewers-section").hidden = false;
    part(this, "nobody").hidden = viewers.childElementCount > 0;
    button(this, "more-viewers").hidden = page.next === null;
  }

  #clearDetails() {
    this.#opened = null;
    part(this, "what").textContent = "";
    part(this, "viewers-section").hidden = true;
    part(this, "trust").hidden = true;
    for (const name of ["download", "keep", "delete"]) button(this, name).hidden = true;
  }

  /** @param {unknown} error @param {import("../app/states.js").MediaState} [state] @param {string} [words] */
  #refused(error, state = stateOf(error), words) {
    const player = typed(this, "player", KsPlayer);
    const drawing = state === "damaged" ? "damaged" : state === "offline" || state === "unavailable" ? "offline" : state === "did_not_belong" || state === "fault" ? "warn" : "lock";
    const again = drawing === "offline" ? () => this.#again() : null;
    player.refuse(words ?? refusal(state, error), drawing, again);
  }
}

/** @param {import("../app/states.js").MediaState} state @param {unknown} error */
function refusal(state, error) {
  switch (state) {
    case "ended": return "There is nothing here for you. It may have been deleted, or your access to it has ended.";
    case "did_not_belong": return "What the server sent did not belong to this Event and is not shown. Please tell whoever runs this server.";
    case "damaged": return "This Event could not be opened. It may be damaged or changed.";
    default: return error ? errorWords(error) : stateWords(state);
  }
}

define("ks-event-page", KsEventPage);
