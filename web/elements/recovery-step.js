// The recovery code: shown once, kept by the person, typed back. Pasting is allowed: a password manager is a good place for it.

import { normalRecoveryCode } from "../crypto/recovery.js";
import { button, clone, part, template, typed } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { onSubmit } from "../ui/form.js";
import { Said } from "../app/said.js";

const MARKUP = template`
  <div class="stack" data-part="show">
    <p class="code-box" id="recovery-code" data-part="code"></p>
    <div class="row"><ks-copy data-of="recovery-code" data-label="Copy code"></ks-copy>
      <button type="button" class="button" data-part="save"><svg class="icon small" aria-hidden="true"><use href="/icons.svg#download"/></svg>Save as a file</button></div>
    <p class="note warn"><svg class="icon" aria-hidden="true"><use href="/icons.svg#warn"/></svg>
      <span><strong>Keep this code.</strong> Without it and without your password, no one can get your videos back, including us.</span></p>
    <div class="actions"><button type="button" class="button primary" data-part="kept">I have kept it</button></div>
  </div>
  <form class="stack" data-part="form" hidden>
    <p class="note danger" data-part="wrong" role="alert" hidden></p>
    <div class="field"><label for="typed-code">Type or paste the code you kept</label>
      <input class="input code" id="typed-code" name="code" autocomplete="off" autocapitalize="characters" spellcheck="false" required>
      <p class="help">Capital or small letters, with or without dashes.</p></div>
    <div class="actions"><button type="button" class="button" data-part="back">Show it again</button>
      <button type="submit" class="button primary">Continue</button></div>
  </form>`;

/** Fires `ks-done` when the code was typed back right. */
export class KsRecoveryStep extends Living {
  #code = "";

  start() {
    this.append(clone(MARKUP));
    this.#draw();
    this.on(button(this, "kept"), "click", () => this.#turn(true));
    this.on(button(this, "back"), "click", () => this.#turn(false));
    this.on(button(this, "save"), "click", () => this.#save());
    onSubmit(typed(this, "form", HTMLFormElement), this.signal, (value) => this.#compare(value("code")));
  }

  /** @param {string} code */
  set code(code) {
    this.#code = code;
    if (this.isConnected) { this.#draw(); this.#turn(false); }
  }

  #draw() { part(this, "code").textContent = this.#code; }

  /** @param {boolean} typing */
  #turn(typing) {
    part(this, "show").hidden = typing;
    part(this, "form").hidden = !typing;
    const focus = typing ? this.querySelector("input") : button(this, "kept");
    focus?.focus();
  }

  /** @param {string} typedBack */
  async #compare(typedBack) {
    const [kept, given] = await Promise.all([normalRecoveryCode(this.#code), normalRecoveryCode(typedBack)]);
    if (kept !== given) throw new Said("That is a recovery code, but not this one. Show it again and compare.");
    this.dispatchEvent(new Event("ks-done", { bubbles: true }));
  }

  #save() {
    const url = URL.createObjectURL(new Blob([`Keepsight recovery code\n\n${this.#code}\n\nKeep it where only you can find it.\n`], { type: "text/plain" }));
    Object.assign(document.createElement("a"), { href: url, download: "keepsight-recovery-code.txt" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

define("ks-recovery-step", KsRecoveryStep);
