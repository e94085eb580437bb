// Who viewed something: a plain list by day, opened ones first in importance; what was merely shown in a list is left out unless asked for.

/** @import { View } from "../api/types.js" */
/** @import { HomeView } from "../app/home.js" */
import { clone, part, say, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { clock, dayKey, dayWords } from "../ui/time.js";
import { viewWords } from "../ui/words.js";

const DAY = template`<section class="view-day"><h2 data-part="day"></h2><ul class="views" role="list" data-part="list"></ul></section>`;
const DAY_BELOW = template`<section class="view-day"><h3 data-part="day"></h3><ul class="views" role="list" data-part="list"></ul></section>`;
const VIEW = template`<li class="view"><time class="figures" data-part="time"></time>
  <span class="what"><strong data-part="who"></strong> <span data-part="kind"></span></span>
  <span class="where"><a data-part="event" hidden></a><span data-part="camera"></span> <span class="quiet" data-part="device"></span></span></li>`;

export class KsViewers extends Living {
  /** Whether each row says of which Event; on an Event's own page it stands below that page's heading. */
  events = true;

  /** Adds records below those that are there. @param {HomeView} home @param {View[]} views newest first */
  add(home, views) {
    for (const view of views) this.#listOf(dayKey(view.at, home.zone), home).append(this.#row(home, view));
  }

  /** @param {string} day @param {HomeView} home */
  #listOf(day, home) {
    const last = this.lastElementChild;
    if (last instanceof HTMLElement && last.dataset.day === day) return part(last, "list");
    const section = /** @type {HTMLElement} */ (clone(this.events ? DAY : DAY_BELOW).firstElementChild);
    section.dataset.day = day;
    part(section, "day").textContent = dayWords(day, home.zone);
    this.append(section);
    return part(section, "list");
  }

  /** @param {HomeView} home @param {View} view */
  #row(home, view) {
    const row = /** @type {HTMLElement} */ (clone(VIEW).firstElementChild);
    part(row, "time").textContent = clock(view.at, home.zone);
    part(row, "who").textContent = view.account === home.session.account.account ? `${view.name} (you)` : view.name;
    part(row, "kind").textContent = viewWords(view.kind).toLowerCase();
    row.dataset.kind = view.kind;
    part(row, "device").textContent = view.device;
    const camera = view.camera ? home.cameraName(view.camera) : "";
    if (this.events && view.event && view.camera) {
      const anchor = /** @type {HTMLAnchorElement} */ (part(row, "event"));
      anchor.href = `/events/${home.id}/${view.camera}/${view.event}`;
      anchor.textContent = `An Event of ${camera}`;
      anchor.hidden = false;
    } else say(row, "camera", this.events ? camera : null);
    return row;
  }
}

define("ks-viewers", KsViewers);
