// Sign in. A demo's link carries the name and password in its fragment, which no server ever sees. Only where the server says that it is a
// demo, and only for who is signed out: anywhere else a link would put whoever opens it into an account of somebody else's choice.

import { demoSignIn } from "../app/decide.js";
import { KsSignInForm } from "../elements/sign-in-form.js";
import { clone, part, template, typed } from "../ui/dom.js";
import { define } from "../ui/element.js";
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
    this.on(window, "hashchange", () => this.#demo()); // pasted over this page's own address
    this.#demo();
  }

  #demo() {
    const given = demoSignIn(this.app.state, this.fragment);
    if (!given) return;
    history.replaceState({}, "", location.pathname);
    typed(this, "form", KsSignInForm).fill(given.name, given.password);
  }
}

define("ks-sign-in-page", KsSignInPage);
