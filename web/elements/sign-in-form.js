// Name and password, for the sign-in page and for an invitation. Password managers know it by its autocomplete words.

import { ApiError } from "../api/errors.js";
import { Said } from "../app/said.js";
import { clone, input, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { onSubmit } from "../ui/form.js";
import { appOf } from "./app.js";

const MARKUP = template`
  <form data-part="form">
    <p class="note danger" data-part="wrong" role="alert" hidden></p>
    <div class="field"><label for="sign-in-name">Name</label>
      <input class="input" id="sign-in-name" data-part="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64"></div>
    <div class="field"><label for="sign-in-password">Password</label>
      <div class="password"><input class="input" id="sign-in-password" data-part="password" name="password" type="password" autocomplete="current-password" required><ks-reveal></ks-reveal></div></div>
    <label class="switch"><input type="checkbox" role="switch" name="shared"><span>This is a shared computer</span>
      <span class="help">Nothing is kept here: closing the page locks your videos.</span></label>
    <div class="actions"><button type="submit" class="button primary">Sign in</button></div>
  </form>`;

/** The shell goes on by itself once somebody is signed in and unlocked. */
export class KsSignInForm extends Living {
  start() {
    this.append(clone(MARKUP));
    const form = /** @type {HTMLFormElement} */ (this.querySelector("form"));
    onSubmit(form, this.signal, async (value) => {
      await appOf(this).signIn({ name: value("name").trim(), password: value("password"), shared: value("shared") === "on" }).catch(inWords);
    });
  }

  /** Fills the form and sends it. @param {string} name @param {string} password */
  fill(name, password) {
    input(this, "name").value = name;
    input(this, "password").value = password;
    this.querySelector("form")?.requestSubmit();
  }
}

/** The server knows of no passwords: it says "secret". @param {unknown} error @returns {never} */
function inWords(error) {
  if (error instanceof ApiError && error.code === "wrong_sign_in") throw new Said("The name or the password is wrong.");
  throw error;
}

define("ks-sign-in-form", KsSignInForm);
