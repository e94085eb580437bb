// The Events before and after this one, as links with the keys that lead to them.

/** @import { EventRef } from "../api/types.js" */
import { clone, link, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";

const MARKUP = template`
  <nav class="neighbours" aria-label="Other Events">
    <a class="button" data-part="newer" aria-keyshortcuts="k"><svg class="icon small" aria-hidden="true"><use href="/icons.svg#left"/></svg>Later<kbd aria-hidden="true">k</kbd></a>
    <a class="button" data-part="older" aria-keyshortcuts="j">Earlier<kbd aria-hidden="true">j</kbd><svg class="icon small" aria-hidden="true"><use href="/icons.svg#right"/></svg></a>
  </nav>`;

export class KsNeighbours extends Living {
  start() {
    this.append(clone(MARKUP));
    this.show("", null, null);
  }

  /** @param {string} home @param {EventRef | null} newer @param {EventRef | null} older */
  show(home, newer, older) {
    for (const [name, to] of /** @type {const} */ ([["newer", newer], ["older", older]])) {
      const anchor = link(this, name);
      if (to) anchor.href = `/events/${home}/${to.camera}/${to.event}`;
      else anchor.removeAttribute("href");
      anchor.setAttribute("aria-disabled", String(!to));
    }
  }
}

define("ks-neighbours", KsNeighbours);
