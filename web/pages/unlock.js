// Signed in, but no keys on this device: the browser has wiped them, or this is a shared computer. One way out: the password.

import { button, clone, input, template } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { onSubmit } from "../ui/form.js";
import { Page } from "./page.js";

const MARKUP = template`
  <div class="question">
    <header><svg class="icon big" aria-hidden="true"><use href="/icons.svg#lock"/></svg>
      <h1>Locked on this device</h1>
      <p class="quiet">You are signed in, but this browser no longer holds what opens your videos. Your password brings it back.</p></header>
    <form>
      <p class="note danger" data-part="wrong" role="alert" hidden></p>
      <div class="field"><label for="unlock-name">Name</label><input class="input" id="unlock-name" data-part="name" autocomplete="username" readonly></div>
      <div class="field"><label for="unlock-password">Password</label>
        <div class="password"><input class="input" id="unlock-password" name="password" type="password" autocomplete="current-password" required autofocus><ks-reveal></ks-reveal></div></div>
      <label class="switch"><input type="checkbox" role="switch" name="shared"><span>This is a shared computer</span>
        <span class="help">Nothing is kept here: closing the page locks your videos.</span></label>
      <div class="actions"><button type="submit" class="button primary">Unlock</button></div>
    </form>
    <div class="stack-2"><a class="button plain" href="/recover">I forgot my password</a>
      <button type="button" class="button plain" data-part="out">Sign out</button></div>
  </div>`;

class KsUnlockPage extends Page {
  heading = "Locked";

  start() {
    this.append(clone(MARKUP));
    input(this, "name").value = this.app.account?.name ?? "";
    const form = /** @type {HTMLFormElement} */ (this.querySelector("form"));
    onSubmit(form, this.signal, (value) => this.app.unlock({ password: value("password"), shared: value("shared") === "on" }));
    this.on(button(this, "out"), "click", () => this.run(this.app.signOut()));
  }
}

define("ks-unlock-page", KsUnlockPage);
