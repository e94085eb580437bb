// What every page is handed before it starts: the app and its place. The shell swaps whole pages.

/** @import { App } from "../app/app.js" */
/** @import { HomeView } from "../app/home.js" */
/** @import { Session } from "../app/session.js" */
/** @import { Place } from "../ui/router.js" */
import { Living } from "../ui/element.js";

export class Page extends Living {
  /** The window's title. @type {string} */
  heading = "";
  /** The page that led here waits behind this one: Back leads to it. */
  behind = false;
  /** @type {{app: App, place: Place} | null} */
  #given = null;

  /** @param {App} app @param {Place} place */
  given(app, place) { this.#given = { app, place }; }

  get app() {
    if (!this.#given) throw new Error("a page starts after it was given its app");
    return this.#given.app;
  }

  get place() {
    if (!this.#given) throw new Error("a page starts after it was given its place");
    return this.#given.place;
  }

  /** @returns {Session} */
  get session() {
    const { session } = this.app;
    if (!session) throw new Error("this page is only shown to who is signed in and unlocked");
    return session;
  }

  /** The home that this page is about. @returns {HomeView} */
  get home() {
    const { current } = this.session;
    if (!current) throw new Error("this page is only shown to who has a home");
    return current;
  }

  /** @returns {string} what follows `#` in the address, unescaped */
  get fragment() {
    try { return decodeURIComponent(location.hash.slice(1)); } catch { return location.hash.slice(1); }
  }
}
