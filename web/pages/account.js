// Account: this device first, then the others; theme; password and recovery code; what ends things last.

/** @import { Session } from "../api/types.js" */
import { isUnknown } from "../api/once.js";
import { errorWords } from "../app/states.js";
import { setTheme, theme } from "../app/theme.js";
import { changePassword, changeRecovery } from "../crypto/account.js";
import { sameKeys } from "../crypto/wrapped-keys.js";
import { replaceKeysHere } from "../elements/new-keys-dialog.js";
import { KsRecoveryStep } from "../elements/recovery-step.js";
import { announce } from "../ui/announce.js";
import { ask, shown } from "../ui/dialog.js";
import { button, clone, part, say, template, typed } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { onSubmit } from "../ui/form.js";
import { Said } from "../app/said.js";
import { ownZone, when } from "../ui/time.js";
import { listed } from "../ui/words.js";
import { Page } from "./page.js";

const MARKUP = template`
  <header class="page-head narrow"><div class="line"><h1>Account</h1></div><p class="quiet">Signed in as <strong data-part="name"></strong></p><p class="status" data-part="status" hidden></p></header>
  <div class="sections narrow">
    <section class="list-section"><h2>This device</h2><ul class="rows" role="list" data-part="this"></ul></section>
    <section class="list-section" data-part="others-section" hidden><div class="row spread"><h2>Other devices</h2><button type="button" class="button plain danger" data-part="end-all">End all others</button></div><ul class="rows" role="list" data-part="others"></ul></section>
    <fieldset class="list-section"><legend class="h2">Theme</legend><div class="choices" data-part="theme">
      <label class="choice"><input type="radio" name="theme" value="auto">Auto</label><label class="choice"><input type="radio" name="theme" value="light">Light</label><label class="choice"><input type="radio" name="theme" value="dark">Dark</label></div></fieldset>
    <section class="list-section"><h2>Getting in</h2><ul class="rows" role="list">
      <li class="row-item"><svg class="icon" aria-hidden="true"><use href="/icons.svg#lock"/></svg><div class="grow"><strong>Password</strong><p class="quiet">Changing it signs you out on all other devices.</p></div><button type="button" class="button" data-part="password">Change</button></li>
      <li class="row-item"><svg class="icon" aria-hidden="true"><use href="/icons.svg#sealed"/></svg><div class="grow"><strong>Recovery code</strong><p class="quiet">Opens your videos if you forget your password. A new one replaces the old.</p></div><button type="button" class="button" data-part="recovery">New code</button></li></ul></section>
    <section class="list-section"><h2>Lost a device, or forgot the password on this one?</h2><ul class="rows" role="list">
      <li class="row-item"><svg class="icon" aria-hidden="true"><use href="/icons.svg#device"/></svg><div class="grow"><strong>New keys</strong><p class="quiet">New keys and a new password take the place of the old ones, and every other device is signed out. You go on opening everything; what is recorded from then on does not open with what the lost device holds.</p></div><button type="button" class="button" data-part="keys">Replace</button></li></ul></section>
    <p class="account-end"><a class="button" href="/views" data-part="views">Who viewed</a> <a class="button" href="/home" data-part="home">Home settings</a></p>
    <p><button type="button" class="button danger" data-part="out">Sign out</button></p>
  </div>`;

const DEVICE = template`<li class="row-item"><svg class="icon" aria-hidden="true"><use href="/icons.svg#device"/></svg><div class="grow"><strong data-part="device"></strong><p class="quiet" data-part="words"></p></div><button type="button" class="button plain danger" data-part="end" hidden>End</button></li>`;

const PASSWORD = template`
  <dialog class="sheet" aria-labelledby="password-title"><form data-part="form">
    <h2 id="password-title">Change your password</h2>
    <p class="note danger" data-part="wrong" role="alert" hidden></p>
    <input class="vh" autocomplete="username" data-part="name" tabindex="-1" aria-hidden="true" readonly>
    <div class="field"><label for="old-password">Password now</label><div class="password"><input class="input" id="old-password" name="old" type="password" autocomplete="current-password" required><ks-reveal></ks-reveal></div></div>
    <div class="field"><label for="new-password">New password</label><div class="password"><input class="input" id="new-password" name="new" type="password" autocomplete="new-password" minlength="10" required><ks-reveal></ks-reveal></div><p class="help">At least 10 characters.</p></div>
    <div class="actions"><button type="button" class="button" data-part="no">Cancel</button><button type="submit" class="button primary">Change</button></div>
  </form></dialog>`;

const RECOVERY = template`
  <dialog class="sheet" aria-labelledby="recovery-title"><div class="inside">
    <h2 id="recovery-title">New recovery code</h2>
    <form class="stack" data-part="form"><p>The code you have now stops working once you have typed the new one back.</p>
      <p class="note danger" data-part="wrong" role="alert" hidden></p>
      <div class="field"><label for="recovery-password">Password</label><div class="password"><input class="input" id="recovery-password" name="password" type="password" autocomplete="current-password" required><ks-reveal></ks-reveal></div></div>
      <div class="actions"><button type="button" class="button" data-part="no">Cancel</button><button type="submit" class="button primary">Continue</button></div></form>
    <ks-recovery-step data-part="step" hidden></ks-recovery-step>
  </div></dialog>`;

class KsAccountPage extends Page {
  heading = "Account";

  start() {
    this.append(clone(MARKUP));
    part(this, "name").textContent = this.session.account.name;
    const homes = this.session.homes.length > 0;
    part(this, "views").hidden = part(this, "home").hidden = !homes;
    this.#theme();
    this.on(button(this, "out"), "click", () => this.run(this.#signOut()));
    this.on(button(this, "end-all"), "click", () => this.run(this.#endAll(), (error) => this.#wrong(error)));
    this.on(button(this, "password"), "click", () => this.run(this.#password()));
    this.on(button(this, "recovery"), "click", () => this.run(this.#recovery()));
    this.on(button(this, "keys"), "click", () => this.run(replaceKeysHere(this.app, this.signal).then(() => this.#load()), (error) => this.#wrong(error)));
    this.run(this.#load(), (error) => this.#wrong(error));
  }

  #theme() {
    const choices = part(this, "theme");
    for (const choice of choices.querySelectorAll("input")) choice.checked = choice.value === theme();
    this.on(choices, "change", (/** @type {Event} */ { target }) => {
      const value = target instanceof HTMLInputElement ? target.value : "";
      setTheme(value === "light" || value === "dark" ? value : "auto");
    });
  }

  async #load() {
    const sessions = await this.session.client.sessions({ signal: this.signal });
    part(this, "this").replaceChildren(...sessions.filter((one) => one.this).map((one) => this.#device(one)));
    const others = sessions.filter((one) => !one.this);
    part(this, "others-section").hidden = others.length === 0;
    part(this, "others").replaceChildren(...others.map((one) => this.#device(one)));
  }

  /** @param {Session} session */
  #device(session) {
    const zone = this.session.current?.zone ?? ownZone();
    const row = /** @type {HTMLElement} */ (clone(DEVICE).firstElementChild);
    part(row, "device").textContent = session.device;
    part(row, "words").textContent = `Signed in ${when(session.since, zone)}${session.this ? (this.session.keystore.lasting ? "" : " · shared computer: locked when the page closes") : ` · last used ${when(session.used, zone)}`}`;
    const end = button(row, "end");
    end.hidden = session.this;
    end.setAttribute("aria-label", `End ${session.device}`);
    this.on(end, "click", () => this.run(this.#end(session), (error) => this.#wrong(error)));
    return row;
  }

  /** @param {Session} session */
  async #end(session) {
    const sure = await ask({
      title: `Sign out ${session.device}?`, text: "It is signed out at once. If somebody else may know your password, change it too.", yes: "Sign it out", danger: true, signal: this.signal,
    });
    if (!sure) return;
    await this.session.client.endSession(session.session, { signal: this.signal });
    announce("Signed out");
    await this.#load();
  }

  async #endAll() {
    const sure = await ask({ title: "Sign out everywhere else?", text: "Every device but this one is signed out at once.", yes: "Sign out all others", danger: true, signal: this.signal });
    if (!sure) return;
    await this.session.client.endOtherSessions({ signal: this.signal });
    announce("All other devices are signed out");
    await this.#load();
  }

  /** Keys that still stand in a home are nowhere but here. */
  async #signOut() {
    const old = this.session.homes.filter(({ opened }) => opened && !sameKeys(opened.keys, this.session.keys));
    const sure = old.length === 0 || await ask({
      title: "Sign out of the only device that opens a home?", yes: "Sign out", danger: true, signal: this.signal,
      text: `${listed(old.map(({ name }) => name))} could not take your new keys yet. If you sign out here, an owner has to invite you again.`,
    });
    if (sure) await this.app.signOut();
  }

  async #password() {
    const dialog = /** @type {HTMLDialogElement} */ (clone(PASSWORD).querySelector("dialog"));
    const { account, client } = this.session;
    /** @type {HTMLInputElement} */ (part(dialog, "name")).value = account.name;
    button(dialog, "no").addEventListener("click", () => dialog.close());
    onSubmit(typed(dialog, "form", HTMLFormElement), this.signal, async (value) => {
      if ([...value("new")].length < 10) throw new Said("Use at least 10 characters for the new password.");
      const change = await changePassword({ account, oldPassword: value("old"), newPassword: value("new") });
      const lost = await client.changePassword(change, { signal: this.signal }).then(() => null, (error) => error);
      if (lost && !isUnknown(lost)) throw lost;
      // When the answer got lost, the account says whether it was done.
      const now = await client.account({ signal: this.signal });
      this.session.account = now;
      if (lost && now.wrapped !== change.password.wrapped) throw lost;
      dialog.close();
      say(this, "status", null);
      announce("Password changed");
      await this.#load();
    });
    await shown(dialog, this.signal);
  }

  async #recovery() {
    const dialog = /** @type {HTMLDialogElement} */ (clone(RECOVERY).querySelector("dialog"));
    const { account, client } = this.session;
    const form = typed(dialog, "form", HTMLFormElement);
    button(dialog, "no").addEventListener("click", () => dialog.close());
    onSubmit(form, this.signal, async (value) => {
      const { body, recovery } = await changeRecovery({ account, password: value("password") });
      const step = typed(dialog, "step", KsRecoveryStep);
      form.hidden = true;
      step.hidden = false;
      step.code = recovery;
      step.addEventListener("ks-done", () => {
        dialog.close();
        this.run(client.changeRecovery(body, { signal: this.signal }).then(() => { say(this, "status", null); announce("The new recovery code is in force"); }), (error) => {
          if (isUnknown(error)) say(this, "status", "The server was not reached, so it isn’t certain which recovery code is in force: the old one or the new. Make another one when it is reached again.");
          else this.#wrong(error);
        });
      }, { once: true });
    });
    await shown(dialog, this.signal);
  }

  /** @param {unknown} error */
  #wrong(error) { say(this, "status", errorWords(error)); }
}

define("ks-account-page", KsAccountPage);
