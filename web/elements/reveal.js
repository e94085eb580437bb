// Shows or hides what was typed into the password field before it.

import { define, Living } from "../ui/element.js";
import { button, clone, setIcon, template } from "../ui/dom.js";

const MARKUP = template`<button type="button" class="icon-button" data-part="toggle" aria-pressed="false" aria-label="Show password">
  <svg class="icon" aria-hidden="true"><use href="/icons.svg#eye"/></svg></button>`;

class KsReveal extends Living {
  start() {
    this.append(clone(MARKUP));
    const toggle = button(this, "toggle");
    this.on(toggle, "click", () => {
      const field = this.previousElementSibling;
      if (!(field instanceof HTMLInputElement)) return;
      const shown = field.type === "password";
      field.type = shown ? "text" : "password";
      toggle.setAttribute("aria-pressed", String(shown));
      setIcon(toggle, shown ? "eye-off" : "eye");
    });
  }
}

define("ks-reveal", KsReveal);
