// The Event's time as a strip: activity drawn on it, what is missing hatched, a range input over it, and a still above the thumb while one looks.

/** @import { Timeline } from "../media/timeline.js" */
import { clone, input, part, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { length } from "../ui/time.js";

/** @typedef {{url: string, frames: number, frameAt(ms: number): number}} Strip */

const MARKUP = template`
  <div class="scrubber">
    <div class="look" data-part="look" hidden aria-hidden="true"><i data-part="frame"></i><span class="figures" data-part="look-time"></span></div>
    <div class="strip" data-part="strip" aria-hidden="true"></div>
    <i class="played" data-part="played" aria-hidden="true"></i>
    <input type="range" data-part="range" min="0" max="1" step="0.05" value="0" aria-label="Position">
  </div>`;

/** Fires `ks-seek` (detail: seconds) while the thumb moves. */
export class KsScrubber extends Living {
  #duration = 0;
  /** @type {Strip | null} */
  #strip = null;
  #held = false;
  /** What a position is called: its time of day and what was seen. @type {(ms: number) => string} */
  words = (ms) => length(ms);

  start() {
    this.append(clone(MARKUP));
    const range = input(this, "range");
    this.on(range, "pointerdown", () => { this.#held = true; });
    this.on(range, "pointerup", () => { this.#held = false; this.#away(); });
    this.on(range, "input", () => {
      this.dispatchEvent(new CustomEvent("ks-seek", { detail: Number(range.value), bubbles: true }));
      this.#draw(Number(range.value));
      if (this.#held) this.#look(Number(range.value) * 1000);
    });
    this.on(range, "pointermove", (/** @type {PointerEvent} */ event) => this.#look(this.#msAt(event)));
    this.on(range, "pointerleave", () => this.#away());
    this.on(range, "blur", () => this.#away());
  }

  /** @param {Timeline} timeline */
  set timeline(timeline) {
    this.#duration = timeline.duration_ms;
    input(this, "range").max = String(timeline.duration_ms / 1000);
    const strip = part(this, "strip");
    strip.replaceChildren(
      ...timeline.activity.map(([from, until]) => this.#mark("activity", from, until)),
      ...timeline.segments.filter(({ state }) => state !== "here").map(({ from_ms, until_ms, state }) => this.#mark(state === "missing" ? "missing" : "broken", from_ms, until_ms)),
    );
  }

  /** @param {Strip | null} strip */
  set preview(strip) {
    this.#strip = strip;
    const frame = part(this, "frame");
    frame.style.backgroundImage = strip ? `url("${strip.url}")` : "";
    frame.style.backgroundSize = strip ? `${strip.frames * 100}% 100%` : "";
  }

  /** Where playback is. @param {number} seconds */
  set at(seconds) { if (!this.#held) this.#draw(seconds); }

  /** @param {number} seconds */
  #draw(seconds) {
    const range = input(this, "range");
    range.value = String(seconds);
    range.setAttribute("aria-valuetext", this.words(seconds * 1000));
    part(this, "played").style.inlineSize = `${this.#percent(seconds * 1000)}%`;
  }

  /** @param {"activity" | "missing" | "broken"} kind @param {number} from @param {number} until */
  #mark(kind, from, until) {
    const made = document.createElement("i");
    made.className = kind;
    made.style.insetInlineStart = `${this.#percent(from)}%`;
    made.style.inlineSize = `${Math.max(0.5, this.#percent(until) - this.#percent(from))}%`;
    return made;
  }

  /** @param {number} ms */
  #percent(ms) { return this.#duration ? Math.max(0, Math.min(100, (ms / this.#duration) * 100)) : 0; }

  /** @param {PointerEvent} event */
  #msAt(event) {
    const box = part(this, "strip").getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * this.#duration;
  }

  /** The still of that moment, above the thumb. @param {number} ms */
  #look(ms) {
    const look = part(this, "look");
    look.hidden = this.#duration === 0;
    part(this, "look-time").textContent = this.words(ms);
    const frame = part(this, "frame");
    frame.hidden = !this.#strip;
    if (this.#strip) frame.style.backgroundPositionX = `${(this.#strip.frameAt(ms) / Math.max(1, this.#strip.frames - 1)) * 100}%`;
    const half = (look.offsetWidth / 2 / Math.max(1, this.offsetWidth)) * 100;
    look.style.insetInlineStart = `${Math.max(half, Math.min(100 - half, this.#percent(ms)))}%`;
  }

  #away() { if (!this.#held) part(this, "look").hidden = true; }
}

define("ks-scrubber", KsScrubber);
