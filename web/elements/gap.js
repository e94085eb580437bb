// A stretch without footage, told between the tiles with its reason. It is known and explained; damage is something else.

/** @import { Gap } from "../api/types.js" */
import { clone, part, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { clock, dayKey, when } from "../ui/time.js";
import { gapWords } from "../ui/words.js";

const MARKUP = template`<p class="gap"><i class="hatch" aria-hidden="true"></i><span><strong data-part="camera"></strong> <span data-part="words"></span></span></p>`;

export class KsGap extends Living {
  /** @type {{gap: Gap, camera: string, zone: string} | null} */
  #given = null;

  get given() { return this.#given; }

  /** May be given anew: a gap goes on for a while, and its camera's name may come later. */
  set given(given) {
    this.#given = given;
    if (this.isConnected && this.firstChild) this.#draw();
  }

  start() {
    this.append(clone(MARKUP));
    this.#draw();
  }

  #draw() {
    if (!this.#given) return;
    const { gap, camera, zone } = this.#given;
    part(this, "camera").textContent = `${camera}:`;
    // Over midnight both days are told.
    const at = dayKey(gap.from, zone) === dayKey(gap.until, zone) ? clock : when;
    part(this, "words").textContent = `nothing was recorded from ${at(gap.from, zone)} to ${at(gap.until, zone)}, because ${gapWords(gap.reason)}.`;
  }
}

define("ks-gap", KsGap);
