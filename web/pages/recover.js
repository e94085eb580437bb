// A forgotten password: the recovery code opens the account, a new password and a new code close it again. Every other sign-in ends.

/** @import { Account, RecoveryReplace } from "../api/types.js" */
/** @import { AccountKeys } from "../crypto/account.js" */
import { ApiError } from "../api/errors.js";
import { isUnknown, once } from "../api/once.js";
import { errorWords } from "../app/states.js";
import { recoverAccount, recoveryLogin } from "../crypto/account.js";
import { KsRecoveryStep } from "../elements/recovery-step.js";
import { clone, part, say, template, typed } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { onSubmit } from "../ui/form.js";
import { Said } from "../app/said.js";
import { Page } from "./page.js";

const MARKUP = template`
  <div class="question">
    <header><p class="step" data-part="step">1 of 2</p><h1 data-part="title">Use your recovery code</h1>
      <p class="quiet" data-part="help">You got it when you made your account. It opens your videos again and is then replaced by a new one.</p></header>
    <form data-part="form">
      <p class="note danger" data-part="wrong" role="alert" hidden></p>
      <div class="field"><label for="recover-name">Name</label>
        <input class="input" id="recover-name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64"></div>
      <div class="field"><label for="recover-code">Recovery code</label>
        <input class="input code" id="recover-code" name="code" autocomplete="off" autocapitalize="characters" spellcheck="false" required></div>
      <div class="field"><label for="recover-password">New password</label>
        <div class="password"><input class="input" id="recover-password" name="password" type="password" autocomplete="new-password" required minlength="10"><ks-reveal></ks-reveal></div>
        <p class="help">At least 10 characters. You will be signed out everywhere else.</p></div>
      <label class="switch"><input type="checkbox" role="switch" name="shared"><span>This is a shared computer</span>
        <span class="help">Nothing is kept here: closing the page locks your videos.</span></label>
      <div class="actions"><button type="submit" class="button primary">Continue</button></div>
    </form>
    <p class="note danger" data-part="failed" role="alert" tabindex="-1" hidden></p>
    <ks-recovery-step data-part="recovery" hidden></ks-recovery-step>
    <p><a class="button plain" href="/sign-in">Back to sign in</a></p>
  </div>`;

class KsRecoverPage extends Page {
  heading = "Use your recovery code";
  /** @type {{body: RecoveryReplace, keys: AccountKeys, shared: boolean, send: (body: RecoveryReplace) => Promise<Account>} | null} */
  #made = null;
  #busy = false;

  start() {
    this.append(clone(MARKUP));
    onSubmit(typed(this, "form", HTMLFormElement), this.signal, (value) => this.#open(value("name").trim(), value("code"), value("password"), value("shared") === "on"));
    this.on(part(this, "recovery"), "ks-done", () => this.run(this.#replace(), (error) => this.#failed(error)));
  }

  /** @param {string} name @param {string} code @param {string} newPassword @param {boolean} shared */
  async #open(name, code, newPassword, shared) {
    if ([...newPassword].length < 10) throw new Said("Use at least 10 characters for the password.");
    const { client } = this.app;
    const { login } = await recoveryLogin(code);
    const opened = await client.recoveryOpen({ name, login }).catch((error) => {
      throw error instanceof ApiError && error.code === "wrong_sign_in" ? new Said("The name or the recovery code is wrong.") : error;
    });
    const { body, recovery, keys } = await recoverAccount({ name, code, opened, newPassword });
    this.#made = { body, keys, shared, send: once(client, (sent) => client.recoveryReplace(sent)) };
    part(this, "form").hidden = true;
    part(this, "step").textContent = "2 of 2";
    part(this, "title").textContent = "Keep your new recovery code";
    part(this, "help").textContent = "The old one stops working as soon as you continue.";
    const step = typed(this, "recovery", KsRecoveryStep);
    step.hidden = false;
    step.code = recovery;
  }

  /** Once the new code was typed back; again each time that it is, while it has not worked. */
  async #replace() {
    if (!this.#made || this.#busy) return;
    const { body, keys, shared, send } = this.#made;
    this.#busy = true;
    say(this, "failed", null);
    try {
      const service = await this.app.client.service();
      const account = await send(body);
      await this.app.enter(service, account, keys, shared);
    } finally {
      this.#busy = false;
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    const used = error instanceof ApiError && error.code === "wrong_sign_in";
    say(this, "failed", used
      ? "Your recovery code has been used or replaced meanwhile, so nothing was changed now. If that was you, sign in with the password you have set since."
      : isUnknown(error) ? "The server was not reached, so it isn’t certain that your new password and code are in force. Type the code again before you leave this page."
        : errorWords(error));
    part(this, "failed").focus();
  }
}

define("ks-recover-page", KsRecoverPage);
