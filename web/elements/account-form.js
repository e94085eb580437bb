// A new account, in two questions: name and password, then the recovery code shown and typed back. Only then does the account begin to exist,
// so that nobody ends up with an account whose code they never saw.

/** @import { Account, SignUp, Ticket } from "../api/types.js" */
/** @import { AccountKeys } from "../crypto/account.js" */
import { isUnknown, once } from "../api/once.js";
import { errorWords } from "../app/states.js";
import { newAccount } from "../crypto/account.js";
import { clone, input, part, template, typed } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { onSubmit, wrong } from "../ui/form.js";
import { Said } from "../app/said.js";
import { appOf } from "./app.js";
import { KsRecoveryStep } from "./recovery-step.js";

const MARKUP = template`
  <form data-part="form">
    <p class="note danger" data-part="wrong" role="alert" hidden></p>
    <div class="field"><label for="account-name">Your name</label>
      <input class="input" id="account-name" data-part="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64" aria-describedby="account-name-help">
      <p class="help" id="account-name-help">You sign in with it, and the people of your home see it. It needs no mail address.</p></div>
    <div class="field" data-part="password-field"><label for="account-password">Password</label>
      <div class="password"><input class="input" id="account-password" data-part="password" name="password" type="password" autocomplete="new-password" required minlength="10" aria-describedby="account-password-help"><ks-reveal></ks-reveal></div>
      <p class="help" id="account-password-help">At least 10 characters. A few words in a row are good, or let your password manager make one.</p></div>
    <label class="switch"><input type="checkbox" role="switch" name="shared"><span>This is a shared computer</span>
      <span class="help">Nothing is kept here: closing the page locks your videos.</span></label>
    <div class="actions"><button type="submit" class="button primary">Continue</button></div>
  </form>
  <ks-recovery-step data-part="recovery" hidden></ks-recovery-step>`;

/** Fires `ks-step` (detail 1 or 2) as it goes; the shell goes on by itself once the account exists and is signed in. */
export class KsAccountForm extends Living {
  /** How this person may sign up although sign-up isn't open. @type {Ticket | null} */
  ticket = null;
  /** @type {{body: SignUp, recovery: string, keys: AccountKeys} | null} */
  #made = null;
  /** Keeps the keys in memory only. */
  #shared = false;
  /** @type {((body: SignUp) => Promise<Account>) | null} */
  #send = null;

  start() {
    this.append(clone(MARKUP));
    onSubmit(typed(this, "form", HTMLFormElement), this.signal, (value) => this.#make(value("name").trim(), value("password"), value("shared") === "on"));
    this.on(part(this, "recovery"), "ks-done", (/** @type {Event} */ event) => { event.stopPropagation(); this.run(this.#signUp()); });
  }

  /** @param {string} name @param {string} password @param {boolean} shared */
  async #make(name, password, shared) {
    if (!name) throw new Said("Enter a name.");
    this.#shared = shared;
    if (this.#made) {
      // The name was taken: the keys and the code stay, the name doesn't enter them.
      this.#made.body = { ...this.#made.body, name };
      return this.#signUp();
    }
    if ([...password].length < 10) throw new Said("Use at least 10 characters for the password.");
    this.#made = await newAccount({ name, password, ticket: this.ticket });
    const step = typed(this, "recovery", KsRecoveryStep);
    step.code = this.#made.recovery;
    part(this, "form").hidden = true;
    step.hidden = false;
    this.#step(2);
  }

  async #signUp() {
    const form = typed(this, "form", HTMLFormElement);
    if (!this.#made) return;
    const { body, keys } = this.#made;
    const app = appOf(this);
    this.#send ??= once(app.client, (sent) => app.client.signUp(sent));
    try {
      const service = await app.client.service();
      const account = await this.#send(body);
      await app.enter(service, account, keys, this.#shared);
    } catch (error) {
      this.#backToName(form, error);
    }
  }

  /** @param {HTMLFormElement} form @param {unknown} error */
  #backToName(form, error) {
    const taken = error instanceof Error && "code" in error && error.code === "conflict";
    form.hidden = false;
    part(this, "recovery").hidden = true;
    part(this, "password-field").hidden = true;
    input(this, "password").required = false;
    this.#step(1);
    wrong(form, taken ? "That name is taken. Choose another; your password and recovery code stay as they are."
      : isUnknown(error) ? "The server was not reached, so it isn’t certain that your account was made. Continue again before you leave this page." : errorWords(error));
  }

  /** @param {1 | 2} step */
  #step(step) { this.dispatchEvent(new CustomEvent("ks-step", { detail: step, bubbles: true })); }
}

define("ks-account-form", KsAccountForm);
