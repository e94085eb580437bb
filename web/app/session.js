// One signed-in, unlocked account and all that is held for it in memory. It is dropped whole when the account changes: nothing
// of one account is ever handed to the next.

/** @import { Account, Home } from "../api/types.js" */
/** @import { Client } from "../api/client.js" */
/** @import { AccountKeys } from "../crypto/account.js" */
/** @import { Keystore, Pins } from "../crypto/keystore.js" */
import { sameKeys } from "../crypto/wrapped-keys.js";
import { HomeView } from "./home.js";
import { recall, remember } from "./remember.js";

export class Session extends EventTarget {
  #ending = new AbortController();
  /** @type {Map<string, HomeView>} */
  #homes = new Map();
  /** @type {HomeView | null} */
  #current = null;
  /** Events opened here, so that lists show them as seen at once. @type {Set<string>} */
  seen = new Set();
  /** Events deleted here. @type {Set<string>} */
  gone = new Set();
  /** What the home was called that this account was taken out of, or left, while it was open here. @type {string | null} */
  former = null;
  /** The Event that was open last: where the list puts the focus on coming back. @type {string | null} */
  last = null;

  /** @param {{client: Client, account: Account, keys: AccountKeys, pins: Pins, keystore: Keystore}} given */
  constructor({ client, account, keys, pins, keystore }) {
    super();
    this.client = client;
    this.account = account;
    this.keys = keys;
    this.pins = pins;
    this.keystore = keystore;
  }

  /** Aborted when the account is left. */
  get signal() { return this.#ending.signal; }

  /** The homes, in the server's order. */
  get homes() { return [...this.#homes.values()]; }

  /** The home that the pages show. */
  get current() { return this.#current; }

  /** @param {string} home @returns {HomeView | null} */
  home(home) { return this.#homes.get(home) ?? null; }

  /** Reads the list of homes anew and opens those that are new. */
  async loadHomes() {
    const rows = await this.client.homes({ signal: this.signal });
    for (const { id, name, ended, opened } of this.homes) {
      const gone = !rows.some((row) => row.home === id);
      if (gone && opened) this.former = name;
      if (gone || ended) this.#drop(id);
    }
    await Promise.all(rows.map((row) => this.#take(row)));
    this.#homes = new Map(rows.flatMap(({ home }) => { const view = this.#homes.get(home); return view ? [[home, view]] : []; }));
    if (!this.#current || !this.#homes.has(this.#current.id)) {
      const wanted = recall(this.account.account, "home");
      this.choose((wanted && this.#homes.has(wanted) ? wanted : rows[0]?.home) ?? null);
    }
    await this.#settleKeys();
    this.#tell();
  }

  /**
   * Goes on with other keys of the same account.
   * @param {Account} account @param {AccountKeys} keys @param {string[]} homes that the account had when they were replaced
   */
  async takeKeys(account, keys, homes) {
    const known = this.homes.map(({ id }) => id);
    // What can't be kept is asked for again: with keys that are not the account's, a device is locked.
    await this.keystore.save(keys, [...homes, ...known]).catch(() => {});
    this.account = account;
    this.keys = keys;
    await this.loadHomes();
  }

  async #settleKeys() {
    const { keys } = this;
    await this.keystore.settle(keys, (home) => {
      const opened = this.#homes.get(home)?.opened;
      return !!opened && sameKeys(opened.keys, keys);
    });
  }

  /** @param {Home} row */
  async #take(row) {
    let view = this.#homes.get(row.home);
    if (!view) {
      view = new HomeView(this, row);
      this.#homes.set(row.home, view);
      view.addEventListener("change", () => this.#tell(), { signal: view.signal });
    } else view.row = row;
    await view.open();
  }

  /** @param {string} home */
  #drop(home) {
    this.#homes.get(home)?.end();
    this.#homes.delete(home);
    if (this.#current?.id === home) this.#current = null;
  }

  /** Shows this home from now on. @param {string | null} home */
  choose(home) {
    const next = home ? this.#homes.get(home) ?? null : null;
    if (next === this.#current) return;
    this.#current?.unwatch();
    this.#current = next;
    if (next) {
      remember(this.account.account, "home", next.id);
      next.watch();
    }
    this.#tell();
  }

  /** Lets go of everything. */
  end() {
    this.#ending.abort();
    for (const home of [...this.#homes.keys()]) this.#drop(home);
  }

  #tell() { this.dispatchEvent(new Event("change")); }
}
