// Who is signed in on this device, as one named state. Pages read it and ask it to change; nothing else holds it.

/** @import { Account, Service } from "../api/types.js" */
/** @import { AccountKeys } from "../crypto/account.js" */
import { Client } from "../api/client.js";
import { passwordLogin, unlockAccount } from "../crypto/account.js";
import { toB64 } from "../crypto/base64url.js";
import { Keystore } from "../crypto/keystore.js";
import { stateOf } from "../media/state.js";
import { forgetAll, recall, remember } from "./remember.js";
import { Session } from "./session.js";

/**
 * @typedef {{name: "starting"}
 *   | {name: "offline", error: unknown}
 *   | {name: "leaving", error: unknown}
 *   | {name: "signed_out", service: Service}
 *   | {name: "locked", service: Service, account: Account}
 *   | {name: "open", service: Service, session: Session}} AppState
 */

export class App extends EventTarget {
  client = new Client();
  /** @type {AppState} */
  state = { name: "starting" };
  /** Other tabs hear of it when the account of this browser changes. */
  #tabs = new BroadcastChannel("keepsight");

  constructor() {
    super();
    this.#tabs.addEventListener("message", ({ data }) => { if (data !== this.account?.account) this.#anew(); });
    addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") this.#sameAccount(); });
  }

  /** @returns {Account | null} */
  get account() {
    return this.state.name === "locked" ? this.state.account : this.state.name === "open" ? this.state.session.account : null;
  }

  /** @returns {Session | null} */
  get session() { return this.state.name === "open" ? this.state.session : null; }

  /** Asks the server who we are and this device what it can open. */
  async begin() {
    if (recall("", "leaving")) return this.leave();
    this.#become({ name: "starting" });
    try {
      const service = await this.client.service();
      const account = await this.client.account().catch(signedOutIsNull);
      if (!account) return this.#become({ name: "signed_out", service });
      const keystore = await Keystore.open({ shared: false });
      const keys = await keystore.load(account.account);
      // Keys that are no longer the account's were replaced elsewhere: the password brings the others.
      if (!keys || toB64(keys.kemPublic) !== account.kem) return this.#become({ name: "locked", service, account });
      await this.#open(service, account, keys, keystore);
    } catch (error) {
      this.#become({ name: "offline", error });
    }
  }

  /**
   * Signs in and unlocks: two steps, one password.
   * @param {{name: string, password: string, shared: boolean}} given
   */
  async signIn({ name, password, shared }) {
    const service = await this.client.service();
    const { login, wrap } = await passwordLogin(password, await this.client.signInParameters(name));
    const account = await this.client.signIn({ name, login });
    await this.enter(service, account, await unlockAccount(account, wrap), shared);
  }

  /**
   * Unlocks this device for who is signed in.
   * @param {{password: string, shared: boolean}} given
   */
  async unlock({ password, shared }) {
    if (this.state.name !== "locked") return;
    const { account, service } = this.state;
    const { wrap } = await passwordLogin(password, account.parameters);
    await this.enter(service, account, await unlockAccount(account, wrap), shared);
  }

  /**
   * Takes in an account that has just signed in. Whatever another account had here is wiped first.
   * @param {Service} service
   * @param {Account} account
   * @param {AccountKeys} keys
   * @param {boolean} shared keep the keys in memory only
   */
  async enter(service, account, keys, shared) {
    await this.#wipeBefore(account.account, shared);
    const keystore = await Keystore.open({ shared });
    await keystore.save(keys);
    remember("", "last", shared ? null : account.account);
    remember("", "leaving", null);
    await this.#open({ ...service, setup_needed: false }, account, keys, keystore);
    this.#tabs.postMessage(account.account);
  }

  /**
   * Goes on with the keys that have just replaced the account's; other tabs begin anew with them.
   * @param {Account} account @param {AccountKeys} keys @param {string[]} homes
   */
  async takeKeys(account, keys, homes) {
    await this.session?.takeKeys(account, keys, homes);
    this.#tabs.postMessage(null);
  }

  /** Nothing of the account before stays here; on a shared computer nothing of this one either. @param {string} account @param {boolean} shared */
  async #wipeBefore(account, shared) {
    this.session?.end();
    const lasting = await Keystore.open({ shared: false });
    const before = recall("", "last");
    if (before && (before !== account || shared)) await lasting.wipe(before);
    if (shared) await lasting.wipe(account);
    if (before !== account) forgetAll();
    lasting.close();
  }

  /** @param {Service} service @param {Account} account @param {AccountKeys} keys @param {Keystore} keystore */
  async #open(service, account, keys, keystore) {
    this.session?.end();
    const session = new Session({ client: this.client, account, keys, keystore, pins: keystore.pins(account.account) });
    session.addEventListener("signed-out", () => { this.left(); });
    await session.loadHomes();
    this.#become({ name: "open", service, session });
  }

  /** Signs out: the keys and what was remembered go first, whether or not the server can be reached. */
  async signOut() {
    await this.#forget(this.account?.account);
    // Owed from here on: until the server has heard it, what it gave this browser is still good there.
    remember("", "leaving", "1");
    this.#tabs.postMessage(null);
    await this.leave();
  }

  /** Tells the server that somebody has signed out here; then the page itself goes, so that nothing stays in memory. */
  async leave() {
    if (this.state.name !== "leaving") this.#become({ name: "leaving", error: null });
    try {
      await this.client.signOut();
    } catch (error) {
      if (stateOf(error) !== "signed_out") return this.#become({ name: "leaving", error });
    }
    remember("", "leaving", null);
    location.replace("/sign-in");
  }

  /** The server says that this sign-in has ended. */
  async left() {
    await this.#forget(this.account?.account);
    this.#become({ name: "starting" });
    location.replace("/sign-in");
  }

  /** This page is somebody else's. What it shows goes first: the browser keeps a picture that was not given back for the next page. */
  #anew() {
    this.session?.end();
    this.#become({ name: "starting" });
    location.reload();
  }

  /** @param {string | undefined} account */
  async #forget(account) {
    const keystore = this.session?.keystore ?? await Keystore.open({ shared: false });
    this.session?.end();
    if (account) await keystore.wipe(account).catch(() => {});
    forgetAll();
  }

  /** Another tab may have signed in as somebody else: then this page is somebody else's. */
  async #sameAccount() {
    const mine = this.account?.account;
    if (!mine) return;
    try {
      const now = await this.client.account();
      if (now.account !== mine) this.#anew();
    } catch (error) {
      if (stateOf(error) === "signed_out") await this.left();
    }
  }

  /** @param {AppState} state */
  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {unknown} error @returns {null} */
function signedOutIsNull(error) {
  if (stateOf(error) === "signed_out") return null;
  throw error;
}
