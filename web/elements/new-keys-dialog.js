// "I lost a device": a new password, the new recovery code typed back, and then the keys are replaced in every home, each with its outcome.

/** @import { App } from "../app/app.js" */
/** @import { Progress } from "../api/keys.js" */
/** @import { NewKeys } from "../crypto/new-keys.js" */
import { replaceKeys } from "../api/keys.js";
import { Said } from "../app/said.js";
import { errorWords } from "../app/states.js";
import { newKeys } from "../crypto/new-keys.js";
import { shown } from "../ui/dialog.js";
import { button, clone, input, part, say, template, typed } from "../ui/dom.js";
import { onSubmit } from "../ui/form.js";
import { listed } from "../ui/words.js";
import { KsRecoveryStep } from "./recovery-step.js";

const MARKUP = template`
  <dialog class="sheet" aria-labelledby="keys-title"><div class="inside">
    <h2 id="keys-title" data-part="title" tabindex="-1">Replace your keys</h2>
    <p data-part="help">Choose a new password, and get a new recovery code. Until you have typed the code back, everything stays as it is.</p>
    <form class="stack" data-part="form">
      <p class="note danger" data-part="wrong" role="alert" hidden></p>
      <input class="vh" autocomplete="username" data-part="name" tabindex="-1" aria-hidden="true" readonly>
      <div class="field"><label for="keys-password">New password</label><div class="password"><input class="input" id="keys-password" name="new" type="password" autocomplete="new-password" minlength="10" required><ks-reveal></ks-reveal></div><p class="help">At least 10 characters. You don’t need the old one.</p></div>
      <div class="actions"><button type="button" class="button" data-part="no">Cancel</button><button type="submit" class="button primary">Continue</button></div>
    </form>
    <ks-recovery-step data-part="step" hidden></ks-recovery-step>
    <div class="stack" data-part="work" hidden>
      <p class="note danger" data-part="failed" role="alert" hidden></p>
      <ul class="rows" role="list" data-part="homes"></ul>
      <p role="status" data-part="said"></p>
      <div class="actions"><button type="button" class="button" data-part="stop" hidden>Leave it as it was</button><button type="button" class="button primary" data-part="again" hidden>Try again</button><button type="button" class="button primary" data-part="done" hidden>Done</button></div>
    </div>
  </div></dialog>`;

const HOME = template`<li class="row-item"><svg class="icon" aria-hidden="true"><use href="/icons.svg#home"/></svg><div class="grow"><strong data-part="home"></strong><p class="quiet" data-part="state"></p></div></li>`;

/**
 * Leads through it; ends when the dialog is closed.
 * @param {App} app @param {AbortSignal} signal
 */
export async function replaceKeysHere(app, signal) {
  if (app.session) await new NewKeysDialog(app, app.session).run(signal);
}

class NewKeysDialog {
  #dialog = /** @type {HTMLDialogElement} */ (clone(MARKUP).querySelector("dialog"));
  #busy = false;
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** @type {NewKeys | null} */
  #made = null;

  /** @param {App} app @param {import("../app/session.js").Session} session */
  constructor(app, session) {
    this.app = app;
    this.session = session;
  }

  /** @param {AbortSignal} signal */
  async run(signal) {
    const dialog = this.#dialog;
    input(dialog, "name").value = this.session.account.name;
    button(dialog, "no").addEventListener("click", () => dialog.close());
    button(dialog, "stop").addEventListener("click", () => dialog.close());
    button(dialog, "done").addEventListener("click", () => dialog.close());
    button(dialog, "again").addEventListener("click", () => { this.#replace(); });
    // What has been sent is not taken back by Escape.
    dialog.addEventListener("cancel", (event) => { if (this.#busy) event.preventDefault(); });
    part(dialog, "step").addEventListener("ks-done", () => { this.#replace(); });
    onSubmit(typed(dialog, "form", HTMLFormElement), signal, (value) => this.#make(value("new")));
    await shown(dialog, signal);
  }

  /** @param {string} password */
  async #make(password) {
    if ([...password].length < 10) throw new Said("Use at least 10 characters for the new password.");
    this.#made = await newKeys({ account: this.session.account.account, password });
    this.#turn("step", "Keep your new recovery code", "The one you have now stops working once you have typed this one back.");
    typed(this.#dialog, "step", KsRecoveryStep).code = this.#made.code;
  }

  async #replace() {
    const made = this.#made;
    if (!made || this.#busy) return;
    this.#working(true);
    try {
      const { client, keys: old, pins } = this.session;
      const { account, left, named } = await replaceKeys(client, { made, old, pins, onHome: (progress) => this.#tell(progress) });
      await this.app.takeKeys(account, made.keys, named);
      this.#finish(left);
    } catch (error) {
      this.#working(false);
      say(this.#dialog, "said", null);
      say(this.#dialog, "failed", errorWords(error));
      button(this.#dialog, "again").hidden = button(this.#dialog, "stop").hidden = false;
    }
  }

  /** @param {boolean} busy */
  #working(busy) {
    this.#busy = busy;
    if (!busy) return;
    this.#turn("work", "Replacing your keys", "Keep this page open. It takes a moment.");
    this.#rows.clear();
    part(this.#dialog, "homes").replaceChildren(...this.session.homes.map(({ id, name }) => this.#row(id, name)));
    say(this.#dialog, "failed", null);
    say(this.#dialog, "said", "Preparing every home");
    for (const name of ["again", "stop", "done"]) button(this.#dialog, name).hidden = true;
  }

  /** @param {string} home @param {string} name */
  #row(home, name) {
    const row = /** @type {HTMLElement} */ (clone(HOME).firstElementChild);
    part(row, "home").textContent = name;
    part(row, "state").textContent = "Waiting";
    this.#rows.set(home, row);
    return row;
  }

  /** @param {Progress} progress */
  #tell({ home, state, error }) {
    const words = { reading: "Preparing", ready: "Ready", left: `Can’t take part now. ${error ? errorWords(error) : ""}` }[state];
    this.#state(home, words);
  }

  /** @param {string} home @param {string} words */
  #state(home, words) {
    const row = this.#rows.get(home);
    if (row) part(row, "state").textContent = words;
  }

  /** @param {string[]} left */
  #finish(left) {
    this.#working(false);
    for (const { id, owner } of this.session.homes.filter((one) => !left.includes(one.id))) {
      this.#state(id, owner ? "Has your new keys, and seals with new ones of its own from now on." : "Has your new keys. Its own are made anew when an owner next opens Keepsight.");
    }
    const names = this.session.homes.filter(({ id }) => left.includes(id)).map(({ name }) => name);
    this.#turn("work", "Your keys are replaced", "Every other device is signed out. Sign in there with your new password.");
    say(this.#dialog, "said", names.length === 0 ? null : `${listed(names)} could not take part. Your old keys stay on this device until it can, so don’t sign out here before that.`);
    button(this.#dialog, "done").hidden = false;
    button(this.#dialog, "done").focus();
  }

  /** @param {"form" | "step" | "work"} shows @param {string} title @param {string} help */
  #turn(shows, title, help) {
    for (const name of ["form", "step", "work"]) part(this.#dialog, name).hidden = name !== shows;
    part(this.#dialog, "title").textContent = title;
    part(this.#dialog, "help").textContent = help;
    if (shows === "work") part(this.#dialog, "title").focus();
  }
}
