// A button that copies the text of what `data-of` names, and says that it did.

import { announce } from "../ui/announce.js";
import { button, clone, part, setIcon, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";

const MARKUP = template`<button type="button" class="button" data-part="copy"><svg class="icon small" aria-hidden="true"><use href="/icons.svg#copy"/></svg><span data-part="word">Copy</span></button>`;

class KsCopy extends Living {
  start() {
    this.append(clone(MARKUP));
    const copy = button(this, "copy");
    const label = this.dataset.label ?? "Copy";
    part(this, "word").textContent = label;
    this.on(copy, "click", () => this.run(this.#copy(copy, label)));
  }

  /** @param {HTMLButtonElement} copy @param {string} label */
  async #copy(copy, label) {
    const from = document.getElementById(this.dataset.of ?? "");
    if (!from) return;
    const text = from instanceof HTMLInputElement ? from.value : from.textContent ?? "";
    try {
      await navigator.clipboard.writeText(text.trim());
      part(this, "word").textContent = "Copied";
      setIcon(copy, "check");
      announce("Copied");
      await new Promise((done) => setTimeout(done, 2000));
      part(this, "word").textContent = label;
      setIcon(copy, "copy");
    } catch {
      // No clipboard on plain http: select it, so that the person can.
      getSelection()?.selectAllChildren(from);
      announce("Selected. Copy it with the keyboard or the menu.");
    }
  }
}

define("ks-copy", KsCopy);
