// A stretch without footage, told between the tiles with its reason. It is known and explained; damage is something else.

/** @import { Gap } from "../api/types.js" */
import { clone, part, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { clock, dayKey, when } from "../ui/time.js";
import { gapWords } from "../ui/words.js";

const MARKUP = template`<p class="gap"><i class="hatch" aria-hidden="true"></i><span><strong data-part="camera"></strong> <span data-part="words"></span></span></p>`;

export class KsGap extends Living {
  /** @type {{gap: Gap, camera: string, zone: string} | null} */
  given = null;

  start() {
    if (!this.given) return;
    const { gap, camera, zone } = this.given;
    this.append(clone(MARKUP));
    part(this, "camera").textContent = `${camera}:`;
    const sameDay = dayKey(gap.from, zone) === dayKey(gap.until, zone);
    const until = sameDay ? clock(gap.until, zone) : when(gap.until, zone);
    part(this, "words").textContent = `nothing was recorded from ${clock(gap.from, zone)} to ${until}, because ${gapWords(gap.reason)}.`;
  }
}

define("ks-gap", KsGap);
