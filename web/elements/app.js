// The frame of the client: draws the page that belongs to the state and the place. The list of Events is kept behind an Event that was
// opened from it, so that Back finds it exactly as it was left.

import { App } from "../app/app.js";
import { decide } from "../app/decide.js";
import { Page } from "../pages/page.js";
import { clone, part, template } from "../ui/dom.js";
import { Living } from "../ui/element.js";
import { go, here, kept, places, startRouter } from "../ui/router.js";

const SHELL = template`
  <a class="skip" href="#main" data-part="skip">Skip to the page</a>
  <div class="shell">
    <ks-bars class="bars"></ks-bars>
    <header class="top"><ks-home-switch></ks-home-switch></header>
    <nav class="nav" aria-label="Pages">
      <div class="brand"><a class="wordmark" href="/events"><img src="/favicon.svg" alt="" width="28" height="28">Keepsight</a></div>
      <ks-home-switch></ks-home-switch>
      <ul role="list">
        <li><a class="item" href="/events" data-page="events"><svg class="icon" aria-hidden="true"><use href="/icons.svg#events"/></svg>Events</a></li>
        <li><a class="item" href="/cameras" data-page="cameras"><svg class="icon" aria-hidden="true"><use href="/icons.svg#cameras"/></svg>Cameras</a></li>
        <li><a class="item" href="/people" data-page="people"><svg class="icon" aria-hidden="true"><use href="/icons.svg#people"/></svg>People</a></li>
        <li class="wide-only"><a class="item" href="/views" data-page="views"><svg class="icon" aria-hidden="true"><use href="/icons.svg#views"/></svg>Who viewed</a></li>
        <li class="wide-only"><a class="item" href="/home" data-page="home"><svg class="icon" aria-hidden="true"><use href="/icons.svg#settings"/></svg>Home settings</a></li>
        <li><a class="item" href="/account" data-page="account"><svg class="icon" aria-hidden="true"><use href="/icons.svg#account"/></svg>Account</a></li>
      </ul>
      <div class="foot"><ks-trust></ks-trust></div>
    </nav>
    <main id="main" data-part="outlet" tabindex="-1"></main>
  </div>`;

const GATE = template`
  <div class="gate">
    <header><a class="wordmark" href="/"><img src="/favicon.svg" alt="" width="28" height="28">Keepsight</a></header>
    <main id="main" data-part="outlet" tabindex="-1"></main>
  </div>`;

/** Pages under a heading of the navigation that isn't their own. @type {Record<string, string>} */
const UNDER = { event: "events", pair: "cameras" };

export class KsApp extends Living {
  app = new App();
  /** Which frame stands, and for whom: another account never meets elements made for the one before. */
  #frame = "";
  /** @type {Page | null} */
  #page = null;
  /** The list behind an Event. @type {{page: Page, scroll: number} | null} */
  #behind = null;
  #drawn = "";

  start() {
    startRouter();
    this.on(places, "place", (/** @type {CustomEvent} */ { detail }) => this.#draw(detail.back));
    this.on(this.app, "change", () => this.#draw(false));
    this.#draw(false);
    this.run(this.app.begin());
  }

  /** @param {boolean} back */
  #draw(back) {
    const place = here();
    const decision = decide(this.app.state, place, location);
    if ("to" in decision) return go(decision.to, { replace: true });
    const drawn = `${decision.page} ${place.path} ${this.app.session?.account.account ?? ""} ${this.app.session?.current?.id ?? ""}`;
    if (drawn === this.#drawn && this.#page?.isConnected) return;
    const first = this.#drawn === "";
    this.#drawn = drawn;
    this.#frameOf(decision.frame);
    if (!(back && this.#returnTo(decision.page))) this.#show(decision.page, place);
    this.#mark(place.name);
    document.title = this.#page?.heading ? `${this.#page.heading} · Keepsight` : "Keepsight";
    if (!first) this.#focus();
  }

  /** @param {"gate" | "shell"} frame */
  #frameOf(frame) {
    const wanted = `${frame} ${this.app.account?.account ?? ""}`;
    if (this.#frame === wanted) return;
    this.#frame = wanted;
    this.#behind = null;
    this.replaceChildren(clone(frame === "shell" ? SHELL : GATE));
  }

  /** @param {string} tag @param {import("../ui/router.js").Place} place */
  #show(tag, place) {
    const outlet = part(this, "outlet");
    const page = document.createElement(tag);
    if (!(page instanceof Page)) throw new Error(`${tag} is not a page`);
    page.given(this.app, place);
    const leaving = this.#page?.isConnected ? this.#page : null;
    if (tag === "ks-event-page" && leaving?.localName === "ks-events-page") this.#keepBehind(leaving);
    else if (tag !== "ks-event-page") this.#forget();
    for (const child of [...outlet.children]) if (child !== this.#behind?.page) child.remove();
    this.#page = page;
    page.behind = this.#behind !== null;
    outlet.append(page);
    scrollTo(0, tag === "ks-events-page" ? 0 : kept().scroll ?? 0);
  }

  /** @param {Page} page */
  #keepBehind(page) {
    this.#behind = { page, scroll: scrollY };
    page.hidden = true;
  }

  #forget() {
    this.#behind?.page.remove();
    this.#behind = null;
  }

  /** Shows the list that waited behind, if that is where Back leads. @param {string} tag */
  #returnTo(tag) {
    if (!this.#behind || tag !== this.#behind.page.localName) return false;
    const { page, scroll } = this.#behind;
    this.#behind = null;
    for (const child of [...part(this, "outlet").children]) if (child !== page) child.remove();
    page.hidden = false;
    this.#page = page;
    scrollTo(0, scroll);
    page.dispatchEvent(new Event("ks-return"));
    return true;
  }

  /** @param {string} place */
  #mark(place) {
    const current = UNDER[place] ?? place;
    for (const item of this.querySelectorAll(".nav [data-page]")) {
      if (item.getAttribute("data-page") === current) item.setAttribute("aria-current", "page");
      else item.removeAttribute("aria-current");
    }
  }

  /** A new page is read from its heading; a list come back to keeps its own tile. */
  #focus() {
    if (this.#page?.contains(document.activeElement) && document.activeElement !== document.body) return;
    const heading = this.#page?.querySelector("h1");
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
}

/** The app, for elements that stand in the frame. @param {Element} element @returns {App} */
export function appOf(element) {
  const root = element.closest("ks-app");
  if (!(root instanceof KsApp)) throw new Error("not inside the client");
  return root.app;
}
