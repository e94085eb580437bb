// Who viewed: every opening and download, by day, of the home or of one camera (`?camera=`); what was only shown in a list stands behind
// a switch. One's own are there too.

import { errorWords } from "../app/states.js";
import { KsViewers } from "../elements/viewers.js";
import { button, clone, input, part, say, template, typed } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { Page } from "./page.js";

const MARKUP = template`
  <header class="page-head narrow"><div class="line"><h1>Who viewed</h1>
    <span class="chip"><span data-part="camera-words">All cameras</span><svg class="icon small" aria-hidden="true"><use href="/icons.svg#down"/></svg><select data-part="camera" name="camera" aria-label="Camera"></select></span>
    <label class="switch"><input type="checkbox" role="switch" data-part="lists"><span>Also what was only shown in a list</span></label></div>
    <p class="status" data-part="status" hidden></p></header>
  <div class="sections narrow"><ks-viewers class="all-views" data-part="viewers"></ks-viewers>
    <p class="quiet" data-part="none" hidden>Nobody has opened anything yet.</p>
    <div class="more"><button type="button" class="button" data-part="earlier" hidden>Earlier</button></div></div>`;

/** Records on one page. */
const PAGE = 100;

class KsViewsPage extends Page {
  heading = "Who viewed";
  /** @type {string | null} */
  #next = null;
  /** Of this camera alone; empty is all. */
  #camera = "";
  /** Ended by another choice of camera or the page's end. */
  #reading = new AbortController();

  start() {
    this.append(clone(MARKUP));
    this.#camera = new URLSearchParams(location.search).get("camera") ?? "";
    const choose = typed(this, "camera", HTMLSelectElement);
    this.on(choose, "change", () => this.#choose(choose.value));
    this.on(this.home, "change", () => this.#draw());
    this.#draw();
    const viewers = typed(this, "viewers", KsViewers);
    this.on(input(this, "lists"), "change", () => { viewers.toggleAttribute("data-all", input(this, "lists").checked); this.#none(); });
    this.on(button(this, "earlier"), "click", () => this.#read());
    this.#read();
  }

  stop() { this.#reading.abort(); }

  #draw() {
    const choose = typed(this, "camera", HTMLSelectElement);
    const { home } = this;
    choose.replaceChildren(new Option("All cameras", ""), ...home.cameras.map(({ row, name }) => new Option(row.state === "removed" ? `${name} (removed)` : name, row.camera)));
    choose.value = this.#camera;
    part(this, "camera-words").textContent = this.#camera ? home.cameraName(this.#camera) : "All cameras";
    choose.parentElement?.classList.toggle("on", this.#camera !== "");
  }

  /** @param {string} camera */
  #choose(camera) {
    this.#camera = camera;
    history.replaceState({}, "", camera ? `/views?camera=${encodeURIComponent(camera)}` : "/views");
    this.#reading.abort();
    this.#reading = new AbortController();
    this.#next = null;
    typed(this, "viewers", KsViewers).replaceChildren();
    for (const name of ["none", "earlier"]) part(this, name).hidden = true;
    say(this, "status", null);
    this.#draw();
    this.#read();
  }

  #read() {
    const { signal } = this.#reading;
    this.run(this.#more(signal), (error) => { if (!signal.aborted) say(this, "status", errorWords(error)); });
  }

  /** @param {AbortSignal} signal */
  async #more(signal) {
    await this.home.named();
    const query = { limit: PAGE, before: this.#next, ...(this.#camera ? { camera: this.#camera } : {}) };
    const page = await this.session.client.views(this.home.id, query, { signal });
    if (signal.aborted) return;
    this.#next = page.next;
    typed(this, "viewers", KsViewers).add(this.home, page.views);
    button(this, "earlier").hidden = page.next === null;
    this.#none();
  }

  #none() {
    const viewers = typed(this, "viewers", KsViewers);
    const shown = viewers.hasAttribute("data-all") ? viewers.querySelector("li") : viewers.querySelector('li:not([data-kind="offered"], [data-kind="thumbnail"])');
    part(this, "none").hidden = shown !== null;
  }
}

define("ks-views-page", KsViewsPage);
