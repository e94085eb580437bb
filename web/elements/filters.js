// Which Events the list shows: a day, a camera, only new ones. Fires `ks-filter` with what was chosen.

/** @import { Filter } from "../app/event-list.js" */
/** @import { HomeView } from "../app/home.js" */
import { button, clone, input, part, template, typed } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { dayKey, dayWords } from "../ui/time.js";

const MARKUP = template`
  <form class="filters" aria-label="Filter">
    <span class="chip" data-part="day-chip"><span data-part="day-words">Any day</span><svg class="icon small" aria-hidden="true"><use href="/icons.svg#down"/></svg><input type="date" data-part="day" name="day" aria-label="Day"></span>
    <button type="button" class="icon-button clear" data-part="clear" aria-label="Any day" hidden><svg class="icon small" aria-hidden="true"><use href="/icons.svg#close"/></svg></button>
    <span class="chip"><span data-part="camera-words">All cameras</span><svg class="icon small" aria-hidden="true"><use href="/icons.svg#down"/></svg><select data-part="camera" name="camera" aria-label="Camera"></select></span>
    <label class="chip"><input type="checkbox" data-part="unseen" name="unseen"><span>New only</span></label>
  </form>`;

export class KsFilters extends Living {
  /** @type {Filter} */
  filter = {};
  /** @type {HomeView | null} */
  home = null;

  start() {
    this.append(clone(MARKUP));
    const { home } = this;
    if (!home) return;
    input(this, "day").max = dayKey(Date.now(), home.zone);
    this.#draw(home);
    this.on(home, "change", () => this.#draw(home));
    this.on(this, "change", () => this.#chosen(home));
    this.on(input(this, "day"), "click", () => { try { input(this, "day").showPicker(); } catch { /* It opens by itself, or is typed into. */ } });
    this.on(button(this, "clear"), "click", () => { input(this, "day").value = ""; this.#chosen(home); part(this, "day").focus(); });
    this.on(/** @type {HTMLFormElement} */ (this.querySelector("form")), "submit", (/** @type {Event} */ event) => event.preventDefault());
  }

  /** Chooses for the reader. @param {Filter} filter */
  choose(filter) {
    this.filter = filter;
    if (this.home) this.#draw(this.home);
    this.dispatchEvent(new CustomEvent("ks-filter", { detail: filter, bubbles: true }));
    this.querySelector("input")?.focus();
  }

  /** @param {HomeView} home */
  #draw(home) {
    const { day, camera, unseen } = this.filter;
    const choose = typed(this, "camera", HTMLSelectElement);
    choose.replaceChildren(new Option("All cameras", ""), ...home.cameras.map(({ row, name }) => new Option(row.state === "removed" ? `${name} (removed)` : name, row.camera)));
    choose.value = camera ?? "";
    part(this, "camera-words").textContent = camera ? home.cameraName(camera) : "All cameras";
    choose.parentElement?.classList.toggle("on", Boolean(camera));
    input(this, "day").value = day ?? "";
    part(this, "day-words").textContent = day ? dayWords(day, home.zone) : "Any day";
    part(this, "day-chip").classList.toggle("on", Boolean(day));
    button(this, "clear").hidden = !day;
    const only = input(this, "unseen");
    only.checked = unseen ?? false;
    only.parentElement?.classList.toggle("on", only.checked);
  }

  /** @param {HomeView} home */
  #chosen(home) {
    const day = input(this, "day").value;
    const camera = typed(this, "camera", HTMLSelectElement).value;
    this.filter = { ...(day ? { day } : {}), ...(camera ? { camera } : {}), ...(input(this, "unseen").checked ? { unseen: true } : {}) };
    this.#draw(home);
    this.dispatchEvent(new CustomEvent("ks-filter", { detail: this.filter, bubbles: true }));
  }
}

define("ks-filters", KsFilters);
