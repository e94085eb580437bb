// The list of Events as it has been read so far: rows checked against the home's chain, gaps between them, and what has come since.
// No DOM. A row whose checks fail as foreign is counted and left out for ever; others that fail stay, as locked or damaged.

/** @import { Event as Row, EventPage, Gap } from "../api/types.js" */
/** @import { OpenedEvent } from "../media/event.js" */
/** @import { HomeView } from "./home.js" */
import { openEvent } from "../media/event.js";
import { stateOf } from "../media/state.js";
import { dayEnd, dayKey } from "../ui/time.js";

/** @typedef {{day?: string, camera?: string, unseen?: boolean}} Filter */
/** @typedef {{kind: "event", at: number, row: Row, opened: OpenedEvent | null, error: unknown}} EventItem */
/** @typedef {{kind: "gap", at: number, gap: Gap}} GapItem */
/** There are more gaps before this time than the server tells at once. @typedef {{kind: "more-gaps", at: number}} MoreGapsItem */
/** @typedef {EventItem | GapItem | MoreGapsItem} Item */

/** Events on one page. */
const PAGE = 48;
/** So many gaps come with a page at most, newest first (the server's limit). */
const GAPS_MAX = 500;

export class EventList {
  /** @type {Map<string, EventItem>} */
  #known = new Map();
  /** @type {Map<string, GapItem>} */
  #gaps = new Map();
  /** @type {string | null} */
  #next = null;
  /** Rows that did not belong to this home. @type {Set<string>} */
  foreign = new Set();
  /** Pages read. */
  pages = 0;

  /** @param {HomeView} home @param {Filter} filter */
  constructor(home, filter) {
    this.home = home;
    this.filter = filter;
  }

  /** Whether there is more to read. */
  get more() { return this.#next !== null; }

  /**
   * Reads the next page: the first, then earlier ones.
   * @param {AbortSignal} signal
   * @returns {Promise<Item[]>} newest first
   */
  async read(signal) {
    const page = await this.#page(this.#next, signal);
    this.#next = page.next;
    this.pages += 1;
    const events = await Promise.all(page.events.filter((row) => !this.#known.has(row.event)).map((row) => this.#check(row)));
    const shown = events.filter((item) => item !== null);
    for (const item of shown) this.#known.set(item.row.event, item);
    const gaps = this.#fresh(page.gaps);
    for (const item of gaps) this.#gaps.set(item.gap.gap, item);
    return [...shown, ...gaps, ...this.#more(page.gaps)].sort((a, b) => b.at - a.at);
  }

  /**
   * Looks at the newest page again: known rows and gaps are renewed, unknown ones are only counted, and Events that are not there any
   * longer named.
   * @param {AbortSignal} signal
   * @returns {Promise<{changed: EventItem[], arrived: number, gone: string[], changedGaps: GapItem[], arrivedGaps: number}>}
   */
  async look(signal) {
    const page = await this.#page(null, signal);
    const changed = [];
    for (const row of page.events) {
      const item = this.#known.get(row.event);
      if (item && JSON.stringify(item.row) !== JSON.stringify(row)) changed.push(await this.#renew(item, row));
    }
    const arrived = page.events.filter(({ event }) => !this.#known.has(event) && !this.foreign.has(event)).length;
    return { changed, arrived, gone: this.#gone(page), changedGaps: this.#grown(page.gaps), arrivedGaps: this.#fresh(page.gaps).length };
  }

  /** Known gaps that are not what they were: most go on for a while. They stay where they are drawn. @param {Gap[]} gaps */
  #grown(gaps) {
    const changed = [];
    for (const gap of gaps) {
      const item = this.#gaps.get(gap.gap);
      if (!item || JSON.stringify(item.gap) === JSON.stringify(gap)) continue;
      item.gap = gap;
      changed.push(item);
    }
    return changed;
  }

  /** Known Events of the page's span of time that it does not hold: deleted. @param {EventPage} page */
  #gone({ events, next }) {
    // What is not new any longer leaves that list only when it is asked for again: not under the reader.
    if (this.filter.unseen) return [];
    const since = next === null ? -Infinity : events[events.length - 1]?.filed ?? Infinity;
    const there = new Set(events.map(({ event }) => event));
    const gone = [...this.#known.values()].filter(({ at, row }) => at > since && !there.has(row.event)).map(({ row }) => row.event);
    for (const event of gone) this.#known.delete(event);
    return gone;
  }

  /** @param {string | null} before @param {AbortSignal} signal */
  #page(before, signal) {
    const { day, camera, unseen } = this.filter;
    return this.home.session.client.events(this.home.id, {
      limit: PAGE, ...(day ? { day } : {}), ...(camera ? { camera } : {}), ...(unseen ? { unseen } : {}), ...(before ? { before } : {}),
    }, { signal });
  }

  /** @param {Row} row @returns {Promise<EventItem | null>} null for what isn't of this home */
  async #check(row) {
    const at = row.filed;
    try {
      return { kind: "event", at, row, ...(await this.#open(row)) };
    } catch {
      this.foreign.add(row.event);
      return null;
    }
  }

  /** @param {Row} row @returns {Promise<{opened: OpenedEvent | null, error: unknown}>} */
  async #open(row) {
    const { opened: open, session } = this.home;
    if (!open) return { opened: null, error: Object.assign(new Error("locked"), { code: "locked", kind: "locked" }) };
    try {
      return { opened: await openEvent({ client: session.client, open, row }), error: null };
    } catch (error) {
      if (stateOf(error) === "did_not_belong") throw error;
      return { opened: null, error };
    }
  }

  /** @param {EventItem} item @param {Row} row */
  async #renew(item, row) {
    item.row = row;
    if (!item.opened) {
      const again = await this.#open(row).catch((error) => ({ opened: null, error }));
      Object.assign(item, again);
    }
    return item;
  }

  /**
   * Those that are not known yet, each where it ended: the page that a long one ended in is the first to tell of it, so its beginning may lie
   * far below.
   * @param {Gap[]} gaps
   * @returns {GapItem[]}
   */
  #fresh(gaps) {
    if (this.filter.unseen) return [];
    const unknown = gaps.filter(({ gap, camera }) => !this.#gaps.has(gap) && (!this.filter.camera || camera === this.filter.camera));
    return unknown.map((gap) => ({ kind: "gap", at: this.#within(gap.until), gap }));
  }

  /** A gap may end after the day that is asked for. @param {number} at */
  #within(at) {
    const { day } = this.filter;
    return day && dayKey(at, this.home.zone) > day ? dayEnd(day, this.home.zone) : at;
  }

  /** @param {Gap[]} gaps @returns {MoreGapsItem[]} */
  #more(gaps) {
    if (this.filter.unseen || gaps.length < GAPS_MAX) return [];
    return [{ kind: "more-gaps", at: this.#within(Math.min(...gaps.map(({ until }) => until))) }];
  }
}
