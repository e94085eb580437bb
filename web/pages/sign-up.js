// A new account where sign-up isn't open: says how to get one. Where it is open, set-up begins with it.

import { clone, template } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { Page } from "./page.js";

const MARKUP = template`
  <div class="blank">
    <svg class="icon" aria-hidden="true"><use href="/icons.svg#people"/></svg>
    <h1>You need an invitation</h1>
    <p>On this server, new accounts come with an invitation into a home. Ask an owner of your home for a link.</p>
    <a class="button primary" href="/sign-in">Sign in</a>
  </div>`;

class KsSignUpPage extends Page {
  heading = "You need an invitation";
  start() { this.append(clone(MARKUP)); }
}

define("ks-sign-up-page", KsSignUpPage);
