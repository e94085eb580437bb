// Who viewed: every opening and download, by day; what was only shown in a list stands behind a switch. One's own are there too.

import { errorWords } from "../app/states.js";
import { KsViewers } from "../elements/viewers.js";
import { button, clone, input, part, say, template, typed } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { Page } from "./page.js";

const MARKUP = template`
  <header class="page-head narrow"><div class="line"><h1>Who viewed</h1>
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

  start() {
    this.append(clone(MARKUP));
    const viewers = typed(this, "viewers", KsViewers);
    this.on(input(this, "lists"), "change", () => { viewers.toggleAttribute("data-all", input(this, "lists").checked); this.#none(); });
    this.on(button(this, "earlier"), "click", () => this.run(this.#more(), (error) => say(this, "status", errorWords(error))));
    this.run(this.#more(), (error) => say(this, "status", errorWords(error)));
  }

  async #more() {
    await this.home.named();
    const page = await this.session.client.views(this.home.id, { limit: PAGE, before: this.#next }, { signal: this.signal });
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
