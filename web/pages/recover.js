// A forgotten password: the recovery code opens the account, a new password and a new code close it again. Every other sign-in ends.

/** @import { RecoveryReplace, Service } from "../api/types.js" */
/** @import { AccountKeys } from "../crypto/account.js" */
import { ApiError } from "../api/errors.js";
import { recoverAccount, recoveryLogin } from "../crypto/account.js";
import { KsRecoveryStep } from "../elements/recovery-step.js";
import { clone, part, template, typed } from "../ui/dom.js";
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
      <div class="actions"><button type="submit" class="button primary">Continue</button></div>
    </form>
    <ks-recovery-step data-part="recovery" hidden></ks-recovery-step>
    <p><a class="button plain" href="/sign-in">Back to sign in</a></p>
  </div>`;

class KsRecoverPage extends Page {
  heading = "Use your recovery code";
  /** @type {{service: Service, body: RecoveryReplace, keys: AccountKeys} | null} */
  #made = null;

  start() {
    this.append(clone(MARKUP));
    onSubmit(typed(this, "form", HTMLFormElement), this.signal, (value) => this.#open(value("name").trim(), value("code"), value("password")));
    this.on(part(this, "recovery"), "ks-done", () => this.run(this.#replace()));
  }

  /** @param {string} name @param {string} code @param {string} newPassword */
  async #open(name, code, newPassword) {
    if ([...newPassword].length < 10) throw new Said("Use at least 10 characters for the password.");
    const { client } = this.app;
    const { login } = await recoveryLogin(code);
    const opened = await client.recoveryOpen({ name, login }).catch((error) => {
      throw error instanceof ApiError && error.code === "wrong_sign_in" ? new Said("The name or the recovery code is wrong.") : error;
    });
    const { body, recovery, keys } = await recoverAccount({ name, code, opened, newPassword });
    this.#made = { service: await client.service(), body, keys };
    part(this, "form").hidden = true;
    part(this, "step").textContent = "2 of 2";
    part(this, "title").textContent = "Keep your new recovery code";
    part(this, "help").textContent = "The old one stops working as soon as you continue.";
    const step = typed(this, "recovery", KsRecoveryStep);
    step.hidden = false;
    step.code = recovery;
  }

  async #replace() {
    if (!this.#made) return;
    const { service, body, keys } = this.#made;
    const account = await this.app.client.recoveryReplace(body);
    await this.app.enter(service, account, keys, false);
  }
}

define("ks-recover-page", KsRecoverPage);
