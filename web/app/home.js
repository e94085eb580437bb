// One home as this account sees it: its row, its verified chain, the names that were sealed, and the stream that says what changed.

/** @import { Agent, Home, Camera, Update, Right } from "../api/types.js" */
/** @import { OpenHome } from "../crypto/home.js" */
/** @import { MediaState } from "./states.js" */
/** @import { Session } from "./session.js" */
import { aroundEpoch, changeHome, loadHome } from "../api/home.js";
import { watchUpdates } from "../api/updates.js";
import { handOver, rotate } from "../crypto/chain-build.js";
import { openName } from "../crypto/name.js";
import { sameKeys } from "../crypto/wrapped-keys.js";
import { stateOf } from "../media/state.js";
import { Said } from "./said.js";
import { errorWords } from "./states.js";

/** @typedef {{row: Camera, name: string, legible: boolean}} NamedCamera */

export class HomeView extends EventTarget {
  #ending = new AbortController();
  /** @type {AbortController | null} */
  #watching = null;
  /** The verified chain and keys; null while `trouble` says why not. @type {OpenHome | null} */
  opened = null;
  /** @type {MediaState | null} */
  trouble = null;
  /** Why, in words for people. @type {string} */
  troubleWords = "";
  /** What is due here and could not be done, in words for people: the home is open all the same. @type {string | null} */
  overdue = null;
  /** @type {string} */
  name = "Home";
  /** Named cameras, in the alphabet's order. @type {NamedCamera[]} */
  cameras = [];
  /** Access was taken away while this page was open. */
  ended = false;
  /** @type {"open" | "waiting"} */
  link = "open";

  /** @param {Session} session @param {Home} row */
  constructor(session, row) {
    super();
    this.session = session;
    this.row = row;
    session.signal.addEventListener("abort", () => this.end(), { once: true, signal: this.signal });
  }

  get id() { return this.row.home; }
  get zone() { return this.row.time_zone; }
  get signal() { return this.#ending.signal; }
  get lockdown() { return this.row.lockdown; }
  get owner() { return this.may("manage"); }

  /** @param {Right} right */
  may(right) { return this.row.rights.includes(right); }

  /** Whether this box still seals to an epoch before the present one: only the gate keeps that from who was removed. @param {Agent} agent */
  isBehind({ epoch }) { return this.opened !== null && epoch !== null && epoch < this.opened.chain.head.epoch; }

  /** @param {string} camera */
  cameraName(camera) { return this.cameras.find(({ row }) => row.camera === camera)?.name ?? "Camera"; }

  /** Verifies the chain and opens the names. What fails becomes `trouble`, not an exception. @returns {Promise<void>} */
  async open() {
    const { client, keys, pins } = this.session;
    const replaced = () => keys !== this.session.keys;
    try {
      const opened = await loadHome(client, { home: this.row, keys, pins, signal: this.signal });
      if (replaced()) return this.open();
      this.opened = opened;
      this.trouble = null;
      this.name = await openName({ open: this.opened, subject: this.id, name: this.row.name }).catch(() => "Home");
      this.overdue = await this.#doWhatIsDue();
      if (replaced()) return this.open();
    } catch (error) {
      if (this.signal.aborted) return;
      if (replaced()) return this.open();
      this.opened = null;
      this.trouble = stateOf(error);
      this.troubleWords = error instanceof Error ? error.message : "";
    }
    this.#tell();
  }

  /**
   * Each on its own: what somebody else left in the home must not keep its owners from opening it and putting it right. It is tried again
   * when the home is read next.
   * @returns {Promise<string | null>} why something could not be done
   */
  async #doWhatIsDue() {
    let why = null;
    for (const due of [() => this.#handOverIfDue(), () => this.#rotateIfDue()]) {
      try {
        await due();
      } catch (error) {
        this.signal.throwIfAborted();
        why = errorWords(error);
      }
    }
    return why;
  }

  /** The account's keys were replaced when this home could not take part: it gets them now. */
  async #handOverIfDue() {
    const { keys } = this.session;
    if (!this.opened || sameKeys(this.opened.keys, keys)) return;
    await this.change(async (open) => handOver({ open, keys, ...(await this.aroundEpoch()) }));
  }

  /** Somebody left without an owner's browser, or replaced their keys: this one makes the home's new ones. */
  async #rotateIfDue() {
    if (!this.row.rotation_due || !this.owner) return;
    const { client } = this.session;
    await this.change(async (open) => {
      // Two owners' browsers hear of it at once: who comes second leaves it at one.
      if (!(await client.home(this.id, { signal: this.signal })).rotation_due) return null;
      return rotate({ open, ...(await this.aroundEpoch()) });
    });
    this.row = { ...this.row, rotation_due: false };
  }

  /** What whoever begins a new epoch here has to know. */
  aroundEpoch() { return aroundEpoch(this.session.client, this.id, { signal: this.signal }); }

  /**
   * Appends to the chain; builds again when another device was quicker.
   * @param {Parameters<typeof changeHome>[2]} build
   */
  async change(build) {
    if (!this.opened) throw new Said("This home isn’t open on this device, so nothing can be changed here.");
    const { client, keys, pins } = this.session;
    this.opened = await changeHome(client, { open: this.opened, keys, pins, signal: this.signal }, build);
    this.row = { ...this.row, chain_seq: this.opened.chain.seq };
    this.#tell();
  }

  /** @type {Promise<void> | null} */
  #refreshing = null;

  /** Reads the row, the chain if it grew, and the cameras anew. Hints come in bursts: one asked for while one runs begins after it. */
  refresh() {
    const after = this.#refreshing ?? Promise.resolve();
    const mine = after.catch(() => {}).then(() => this.#refresh());
    this.#refreshing = mine;
    return mine.finally(() => { if (this.#refreshing === mine) this.#refreshing = null; });
  }

  async #refresh() {
    const before = this.row.chain_seq;
    this.row = await this.session.client.home(this.id, { signal: this.signal });
    if (!this.opened || this.row.chain_seq !== before || this.row.rotation_due || this.overdue) await this.open();
    await this.loadCameras();
  }

  /** The cameras, read at least once: for pages that can't say anything without their names. */
  async named() { return this.cameras.length > 0 ? this.cameras : this.loadCameras(); }

  /** Reads the cameras and opens their names. */
  async loadCameras() {
    const rows = await this.session.client.cameras(this.id, { signal: this.signal });
    const named = await Promise.all(rows.map((row) => this.#named(row)));
    this.cameras = named.sort((a, b) => a.name.localeCompare(b.name));
    this.#tell();
    return this.cameras;
  }

  /** @param {Camera} row @returns {Promise<NamedCamera>} */
  async #named(row) {
    if (!this.opened) return { row, name: "Camera", legible: false };
    try {
      return { row, name: await openName({ open: this.opened, subject: row.camera, name: row.name }), legible: true };
    } catch {
      return { row, name: "Camera with an unreadable name", legible: false };
    }
  }

  /** Listens to what changes, until `unwatch`. */
  watch() {
    if (this.#watching) return;
    const watching = this.#watching = new AbortController();
    this.signal.addEventListener("abort", () => watching.abort(), { once: true, signal: watching.signal });
    this.loadCameras().catch(() => {});
    this.#listen(watching.signal).catch(() => {});
  }

  unwatch() {
    this.#watching?.abort();
    this.#watching = null;
  }

  /** @param {AbortSignal} signal */
  async #listen(signal) {
    const why = await watchUpdates(this.session.client, this.id, {
      signal,
      onUpdate: (update) => this.#heard(update),
      onState: (state) => { if (this.link !== state) { this.link = state; this.#tell(); } },
    });
    if (signal.aborted) return;
    this.#watching = null;
    if (why === "ended") { this.ended = true; this.dispatchEvent(new Event("ended")); this.#tell(); }
    if (why === "lockdown") { this.row = { ...this.row, lockdown: true }; this.dispatchEvent(new Event("lockdown")); this.#tell(); this.#waitForEndOfLockdown(); }
    if (why === "signed_out") this.session.dispatchEvent(new Event("signed-out"));
  }

  /** The stream ended with the lockdown: ask now and then whether it is over. */
  async #waitForEndOfLockdown() {
    while (!this.signal.aborted && this.row.lockdown) {
      await new Promise((done) => setTimeout(done, 5000));
      if (this.signal.aborted) return;
      await this.refresh().catch(() => {});
    }
    if (!this.signal.aborted && this.session.current === this) this.watch();
  }

  #greeted = false;

  /** @param {Update} update */
  #heard(update) {
    switch (update.kind) {
      case "event": this.dispatchEvent(new CustomEvent("event", { detail: update })); break;
      case "hello": case "home":
        // What was told while the stream was broken is not told again: after that, lists look too.
        if (update.kind === "home" || this.#greeted) this.dispatchEvent(new Event("hint"));
        this.#greeted = true;
        this.refresh().catch(() => {});
        break;
      case "ended": case "lockdown": break;
    }
  }

  end() {
    this.unwatch();
    this.#ending.abort();
  }

  #tell() { this.dispatchEvent(new Event("change")); }
}
