// An invitation: the link's secret stays in the fragment and on this device. First who invites, then an account, then joining. What the server
// shows is compared with the home that the link names, each time before anything is sent.

/** @import { InvitationSecret } from "../crypto/invitation.js" */
import { joinHome } from "../api/home.js";
import { errorWords } from "../app/states.js";
import { invitedHomeName, readInvitationLink } from "../crypto/invitation.js";
import { KsAccountForm } from "../elements/account-form.js";
import { stateOf } from "../media/state.js";
import { button, clone, part, say, template } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { go } from "../ui/router.js";
import { date, ownZone } from "../ui/time.js";
import { Page } from "./page.js";

const MARKUP = template`
  <div class="question">
    <header><p class="step">Invitation</p><h1 data-part="title">Opening your invitation</h1><p class="quiet" data-part="help"></p></header>
    <p class="note danger" data-part="wrong" role="alert" hidden></p>
    <div class="stack" data-part="choose" hidden>
      <button type="button" class="button primary" data-part="new">I am new here</button>
      <button type="button" class="button" data-part="known">I have an account</button></div>
    <div data-part="body"></div>
    <div class="stack" data-part="join" hidden><button type="button" class="button primary" data-part="accept"></button><button type="button" class="button plain" data-part="other">Use another account</button></div>
  </div>`;

class KsJoinPage extends Page {
  heading = "Invitation";
  /** Of the link, once the home that it names was seen. @type {InvitationSecret | null} */
  #secret = null;

  start() {
    this.append(clone(MARKUP));
    this.on(button(this, "new"), "click", () => this.#account());
    this.on(button(this, "known"), "click", () => this.#body(document.createElement("ks-sign-in-form")));
    this.on(button(this, "accept"), "click", () => this.run(this.#join(), (error) => this.#wrong(error)));
    this.on(button(this, "other"), "click", () => { part(this, "join").hidden = true; part(this, "choose").hidden = false; });
    this.on(window, "hashchange", () => location.reload()); // another link, pasted over this one
    this.run(this.#open(), (error) => this.#wrong(error));
  }

  async #open() {
    const secret = await readInvitationLink(location.hash);
    const opened = await this.app.client.openInvitation({ ticket: secret.ticket }, { signal: this.signal });
    const name = await invitedHomeName({ secret, opened });
    this.#secret = secret;
    part(this, "title").textContent = `You are invited to ${name}`;
    say(this, "help", `You will be able to open what its cameras recorded. The people there see what you open. The invitation works until ${date(opened.expires, ownZone())}.`);
    const { session, account } = this.app;
    part(this, "choose").hidden = session !== null;
    part(this, "join").hidden = session === null;
    button(this, "accept").textContent = `Join as ${account?.name ?? ""}`;
  }

  #account() {
    if (!this.#secret) return;
    const form = new KsAccountForm();
    form.ticket = { invitation: this.#secret.ticket };
    this.#body(form);
  }

  /** @param {HTMLElement} body */
  #body(body) {
    part(this, "choose").hidden = true;
    part(this, "body").replaceChildren(body);
    body.querySelector("input")?.focus();
  }

  async #join() {
    const { session } = this.app;
    if (!session || !this.#secret) return;
    const secret = this.#secret;
    const accept = button(this, "accept");
    accept.setAttribute("aria-disabled", "true");
    try {
      const { keys, pins, client } = session;
      await joinHome(client, { secret, keys, pins, signal: this.signal });
      await session.loadHomes();
      session.choose(secret.home);
      go("/events", { replace: true });
    } finally {
      accept.setAttribute("aria-disabled", "false");
    }
  }

  /** A home that is not the one invited to is not offered again. @param {unknown} error */
  #wrong(error) {
    if (!this.#secret || stateOf(error) === "chain_refused") {
      part(this, "title").textContent = "This invitation can’t be opened";
      say(this, "help", null);
      part(this, "join").hidden = true;
    }
    say(this, "wrong", errorWords(error));
  }
}

define("ks-join-page", KsJoinPage);
