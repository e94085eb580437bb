// A new account where sign-up is open.

import { clone, part, template } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { Page } from "./page.js";

const MARKUP = template`
  <div class="question" data-part="ask">
    <header><p class="step" data-part="step">1 of 2</p><h1 data-part="title">Create your account</h1></header>
    <ks-account-form data-part="form"></ks-account-form>
    <p><a class="button plain" href="/sign-in">I have an account already</a></p>
  </div>
  <div class="blank" data-part="closed" hidden>
    <h1>You need an invitation</h1>
    <p>On this server, new accounts come with an invitation into a home. Ask an owner of your home for a link.</p>
    <a class="button primary" href="/sign-in">Sign in</a>
  </div>`;

class KsSignUpPage extends Page {
  heading = "Create your account";

  start() {
    this.append(clone(MARKUP));
    const { state } = this.app;
    const closed = state.name === "signed_out" && state.service.sign_up !== "open";
    part(this, "ask").hidden = closed;
    part(this, "closed").hidden = !closed;
    this.on(this, "ks-step", (/** @type {CustomEvent} */ { detail }) => {
      part(this, "step").textContent = `${detail} of 2`;
      part(this, "title").textContent = detail === 1 ? "Create your account" : "Keep your recovery code";
    });
  }
}

define("ks-sign-up-page", KsSignUpPage);
