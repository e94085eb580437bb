// One of the two marks of trust: "Sealed at home", or "Opened on this device" once the checks have passed. Tapping explains.

import { button, clone, part, setIcon, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { shown } from "../ui/dialog.js";

const MARKUP = template`<button type="button" class="trust" data-part="mark"><svg class="icon" aria-hidden="true"><use href="/icons.svg#sealed"/></svg><span data-part="words">Sealed at home</span></button>`;

const WHY = template`
  <dialog class="sheet" aria-labelledby="trust-title"><form method="dialog">
    <h2 id="trust-title" data-part="title"></h2>
    <p data-part="text"></p>
    <div class="actions"><button class="button primary" autofocus>Close</button></div>
  </form></dialog>`;

const TEXT = {
  sealed: ["Sealed at home", "The box in your home seals every video before it leaves. The service stores it and can’t look inside. Only the people of your home can open it."],
  opened: ["Opened on this device", "This video was sealed in your home and has just been opened here, in this browser. Where it comes from was checked before a picture was shown. The service that keeps it has not seen it."],
};

export class KsTrust extends Living {
  /** @type {keyof typeof TEXT} */
  #mark = "sealed";

  start() {
    this.append(clone(MARKUP));
    this.#draw();
    this.on(button(this, "mark"), "click", () => {
      const copy = clone(WHY);
      part(copy, "title").textContent = TEXT[this.#mark][0];
      part(copy, "text").textContent = TEXT[this.#mark][1];
      this.run(shown(/** @type {HTMLDialogElement} */ (copy.querySelector("dialog")), this.signal).then(() => {}));
    });
  }

  /** @param {keyof typeof TEXT} mark */
  set mark(mark) {
    this.#mark = mark;
    if (this.isConnected) this.#draw();
  }

  #draw() {
    setIcon(this, this.#mark);
    part(this, "words").textContent = TEXT[this.#mark][0];
  }
}

define("ks-trust", KsTrust);
