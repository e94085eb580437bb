// Sign in. A demo's link carries the name and password in its fragment, which no server ever sees.

import { KsSignInForm } from "../elements/sign-in-form.js";
import { clone, part, template, typed } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { go } from "../ui/router.js";
import { Page } from "./page.js";

const MARKUP = template`
  <div class="question">
    <header><h1>Sign in</h1><p class="quiet">What your cameras saw, for your home only.</p></header>
    <ks-sign-in-form data-part="form"></ks-sign-in-form>
    <div class="stack-2">
      <a class="button plain" href="/recover">I forgot my password</a>
      <a class="button plain" href="/sign-up" data-part="sign-up" hidden>Create an account</a>
      <p class="quiet" data-part="closed" hidden><small>New here? Ask an owner of your home for an invitation link.</small></p>
    </div>
  </div>`;

class KsSignInPage extends Page {
  heading = "Sign in";

  start() {
    this.append(clone(MARKUP));
    const { state } = this.app;
    const open = state.name === "signed_out" && state.service.sign_up === "open";
    part(this, "sign-up").hidden = !open;
    part(this, "closed").hidden = open;
    const demo = () => { if (this.fragment.startsWith("demo=")) this.run(this.#demo(this.fragment.slice("demo=".length))); };
    this.on(window, "hashchange", demo); // pasted over this page's own address
    demo();
  }

  /** @param {string} given name:password */
  async #demo(given) {
    const [name, ...rest] = given.split(":");
    history.replaceState({}, "", location.pathname);
    if (this.app.account?.name === name && this.app.state.name === "open") return go("/events", { replace: true });
    typed(this, "form", KsSignInForm).fill(name, rest.join(":"));
  }
}

define("ks-sign-in-page", KsSignInPage);
