// Events: newest first, by day, page by page. What arrives is told in a pill and never pushed under the reader.

/** @import { Filter } from "../app/event-list.js" */
import { EventList } from "../app/event-list.js";
import { errorWords, stateWords } from "../app/states.js";
import { KsEventGrid } from "../elements/event-grid.js";
import { KsFilters } from "../elements/filters.js";
import { stateOf } from "../media/state.js";
import { announce } from "../ui/announce.js";
import { button, clone, link, part, say, setIcon, template, typed } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { keep, kept } from "../ui/router.js";
import { count } from "../ui/words.js";
import { Page } from "./page.js";

const MARKUP = template`
  <header class="page-head"><div class="line"><h1>Events</h1><ks-filters data-part="filters"></ks-filters></div>
    <p class="status" data-part="status" hidden></p></header>
  <div class="pill-place"><button type="button" class="pill" data-part="pill" hidden><svg class="icon small" aria-hidden="true"><use href="/icons.svg#up"/></svg><span data-part="pill-words"></span></button></div>
  <p class="note warn" data-part="foreign" hidden><svg class="icon" aria-hidden="true"><use href="/icons.svg#warn"/></svg><span data-part="foreign-words"></span></p>
  <ks-event-grid data-part="grid-of-days"></ks-event-grid>
  <div data-part="waiting" hidden><p class="vh" data-part="waiting-words"></p><ul class="grid waiting" role="presentation">
    <li class="box"></li><li class="box"></li><li class="box"></li><li class="box"></li><li class="box"></li><li class="box"></li></ul></div>
  <div class="blank" data-part="blank" hidden><svg class="icon" aria-hidden="true"><use href="/icons.svg#events"/></svg><p data-part="blank-words"></p>
    <a class="button" href="/cameras" data-part="cameras" hidden>See your cameras</a><button type="button" class="button" data-part="all" hidden>Show all Events</button></div>
  <div class="more"><button type="button" class="button" data-part="earlier" hidden>Earlier Events</button></div>`;

/** Updates come in bursts: one look serves them. */
const SETTLE_MS = 800;
/** How soon it tries again by itself when the server isn't reached. */
const RETRY_MS = 5000;

class KsEventsPage extends Page {
  heading = "Events";
  /** @type {EventList | null} */
  #list = null;
  /** Ended by the next filter or the page's end. */
  #reading = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #settling;
  #foreignTiles = 0;
  #lockdown = false;
  #opened = false;

  start() {
    const copy = clone(MARKUP);
    const filters = typed(copy, "filters", KsFilters);
    filters.home = this.home;
    filters.filter = filterOf(location.search);
    typed(copy, "grid-of-days", KsEventGrid).home = this.home;
    this.append(copy);
    this.on(this, "ks-filter", (/** @type {CustomEvent} */ { detail }) => this.#filter(detail));
    this.on(this, "ks-return", () => this.#returned());
    this.on(this, "ks-foreign", () => { this.#foreignTiles += 1; this.#foreign(); });
    this.on(this, "click", (/** @type {MouseEvent} */ { target }) => this.#leavingBy(target));
    this.on(button(this, "earlier"), "click", () => this.run(this.#earlier(), (error) => this.#failed(error)));
    this.on(button(this, "pill"), "click", () => { scrollTo(0, 0); this.#reload(0); });
    this.on(button(this, "all"), "click", () => { this.#filters.choose({}); });
    this.on(this.home, "event", () => this.#settle());
    this.on(this.home, "hint", () => this.#settle());
    this.on(this.home, "change", () => this.#homeChanged());
    this.#reload((kept().loaded ?? 1) - 1);
  }

  stop() {
    clearTimeout(this.#settling);
    this.#reading.abort();
  }

  get #grid() { return typed(this, "grid-of-days", KsEventGrid); }
  get #filters() { return typed(this, "filters", KsFilters); }

  /** @param {Filter} filter */
  #filter({ day, camera, unseen }) {
    const query = new URLSearchParams({ ...(day ? { day } : {}), ...(camera ? { camera } : {}), ...(unseen ? { new: "1" } : {}) });
    history.replaceState({}, "", `/events${query.size ? `?${query}` : ""}`);
    this.#reload(0);
  }

  /** Begins the list anew. @param {number} further pages to read besides the first, to stand where the reader stood */
  #reload(further) {
    this.#reading.abort();
    this.#reading = new AbortController();
    this.#foreignTiles = 0;
    this.#list = new EventList(this.home, this.#filters.filter);
    this.#grid.clear();
    for (const name of ["earlier", "pill", "blank", "foreign"]) part(this, name).hidden = true;
    this.#lockdown = this.home.lockdown;
    this.#opened = this.home.opened !== null;
    if (this.#lockdown) return this.#blank("lock", stateWords("lockdown"));
    if (!this.#opened) return this.#failed(null);
    this.run(this.#first(further), (error) => this.#failed(error));
  }

  /** @param {number} further */
  async #first(further) {
    const { scroll } = kept();
    await this.#more();
    for (let page = 0; page < further && this.#list?.more; page += 1) await this.#more();
    if (scroll) scrollTo(0, scroll);
  }

  async #earlier() {
    const before = this.#grid.size;
    await this.#more();
    keep({ loaded: this.#list?.pages ?? 1 });
    this.#grid.tiles[before]?.querySelector("a")?.focus({ preventScroll: true });
  }

  /** Reads one page and draws it below. */
  async #more() {
    const { signal } = this.#reading;
    const list = this.#list;
    if (!list) return;
    this.#wait(true);
    try {
      const items = await list.read(signal);
      if (signal.aborted) return;
      this.#grid.add(items);
      this.#foreign();
      button(this, "earlier").hidden = !list.more;
      say(this, "status", null);
      if (this.#grid.size === 0 && !list.more) this.#nothing();
    } finally {
      if (!signal.aborted) this.#wait(false);
    }
  }

  /** Still-shaped boxes while a page comes. @param {boolean} on */
  #wait(on) {
    part(this, "waiting").hidden = !on || this.#grid.size > 0;
    part(this, "waiting-words").textContent = on ? "Getting your Events" : "";
    button(this, "earlier").setAttribute("aria-busy", String(on));
  }

  #settle() {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.run(this.#look(), () => {}), SETTLE_MS);
  }

  /** Something happened: renew what is shown, count what isn't. */
  async #look() {
    const list = this.#list;
    if (!list || list.pages === 0 || this.home.lockdown) return;
    if (this.#grid.size === 0) return this.#reload(0);
    const { signal } = this.#reading;
    const { changed, arrived, gone, changedGaps, arrivedGaps } = await list.look(signal);
    if (signal.aborted) return;
    for (const item of changed) this.#grid.renew(item);
    for (const event of gone) this.#grid.drop(event);
    for (const item of changedGaps) this.#grid.renewGap(item);
    this.#pill(arrived, arrivedGaps);
  }

  /** @param {number} arrived @param {number} gaps */
  #pill(arrived, gaps) {
    const words = [arrived > 0 && `${arrived.toLocaleString()} new`, gaps > 0 && count(gaps, arrived > 0 ? "gap" : "new gap")].filter(Boolean).join(", ");
    const said = [arrived > 0 && count(arrived, "new Event"), gaps > 0 && count(gaps, "time without a recording", "times without a recording")].filter(Boolean).join(", ");
    if (words && part(this, "pill-words").textContent !== words) announce(`${said}. Go to the top to see.`);
    part(this, "pill-words").textContent = words;
    button(this, "pill").hidden = !words;
  }

  /** Leaving for an Event: this entry of the history remembers the tile. @param {EventTarget | null} target */
  #leavingBy(target) {
    const event = target instanceof Element ? target.closest("ks-tile")?.getAttribute("data-event") : null;
    if (!event) return;
    keep({ tile: event });
    this.#grid.asleep = true;
  }

  /** Back from an Event: the same tile, the same place. */
  #returned() {
    this.#grid.asleep = false;
    for (const { row } of this.#grid.tiles) {
      if (row && this.session.gone.has(row.event)) this.#grid.drop(row.event);
      else if (row && !row.seen && this.session.seen.has(row.event)) this.#grid.tile(row.event)?.markSeen();
    }
    const tile = this.#grid.tile(this.session.last ?? "") ?? this.#grid.tile(kept().tile ?? "");
    tile?.querySelector("a")?.focus({ preventScroll: true });
    tile?.scrollIntoView({ block: "nearest" });
    this.#settle();
  }

  #homeChanged() {
    if (this.home.ended) {
      this.#reading.abort();
      this.#grid.clear();
      for (const name of ["earlier", "pill", "foreign"]) part(this, name).hidden = true;
      return this.#blank("lock", stateWords("ended"));
    }
    if (this.home.lockdown !== this.#lockdown || (this.home.opened !== null) !== this.#opened) return this.#reload(0);
    this.#grid.rename();
  }

  #foreign() {
    const number = (this.#list?.foreign.size ?? 0) + this.#foreignTiles;
    part(this, "foreign").hidden = number === 0;
    part(this, "foreign-words").textContent = number === 1 ? stateWords("did_not_belong")
      : `${number} items did not belong to this home and were not shown. Please tell whoever runs this server.`;
  }

  #nothing() {
    const filtered = Object.keys(this.#filters.filter).length > 0;
    this.#blank("events", filtered ? "No Events like this." : "Nothing yet. New Events will appear here.");
    part(this, "all").hidden = !filtered;
    link(this, "cameras").hidden = filtered;
  }

  /** @param {string} drawing @param {string} words */
  #blank(drawing, words) {
    this.#wait(false);
    setIcon(part(this, "blank"), drawing);
    part(this, "blank-words").textContent = words;
    part(this, "blank").hidden = false;
    part(this, "all").hidden = true;
    part(this, "cameras").hidden = true;
  }

  /** @param {unknown} error null when it is the home that isn't open */
  #failed(error) {
    this.#wait(false);
    const state = error ? stateOf(error) : this.home.trouble ?? "fault";
    const words = error ? errorWords(error) : state === "locked" ? "This home is locked on this device. Open it on a device you already use." : stateWords(state, new Error(this.home.troubleWords));
    const away = state === "offline" || state === "unavailable";
    if (this.#grid.size > 0) say(this, "status", words);
    else this.#blank(away ? "offline" : state === "lockdown" || state === "locked" || state === "ended" ? "lock" : "warn", words);
    if (!away || this.#grid.size > 0) return;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#reload(0), RETRY_MS);
  }
}

/** @param {string} search @returns {Filter} */
function filterOf(search) {
  const query = new URLSearchParams(search);
  const [day, camera] = [query.get("day"), query.get("camera")];
  return { ...(day && /^\d{4}-\d\d-\d\d$/.test(day) ? { day } : {}), ...(camera ? { camera } : {}), ...(query.has("new") ? { unseen: true } : {}) };
}

define("ks-events-page", KsEventsPage);
