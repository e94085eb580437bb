// An invitation: the link's secret stays in the fragment and on this device. First who invites, then an account, then joining.

/** @import { InvitationOpened } from "../api/types.js" */
import { errorWords } from "../app/states.js";
import { acceptInvitation, invitedHomeName, readInvitationLink } from "../crypto/invitation.js";
import { KsAccountForm } from "../elements/account-form.js";
import { button, clone, part, say, template } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { go } from "../ui/router.js";
import { date, ownZone } from "../ui/time.js";
import { Page } from "./page.js";

/** @typedef {Awaited<ReturnType<typeof readInvitationLink>>} InvitationSecret */

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
  /** @type {{secret: InvitationSecret, opened: InvitationOpened} | null} */
  #invitation = null;

  start() {
    this.append(clone(MARKUP));
    this.on(button(this, "new"), "click", () => this.#account());
    this.on(button(this, "known"), "click", () => this.#body(document.createElement("ks-sign-in-form")));
    this.on(button(this, "accept"), "click", () => this.run(this.#join(), (error) => this.#wrong(error)));
    this.on(button(this, "other"), "click", () => { part(this, "join").hidden = true; part(this, "choose").hidden = false; });
    this.run(this.#open(), (error) => this.#wrong(error));
  }

  async #open() {
    const secret = await readInvitationLink(location.hash);
    const opened = await this.app.client.openInvitation({ ticket: secret.ticket }, { signal: this.signal });
    const name = await invitedHomeName({ secret, opened });
    this.#invitation = { secret, opened };
    part(this, "title").textContent = `You are invited to ${name}`;
    say(this, "help", `You will be able to open what its cameras recorded. The people there see what you open. The invitation works until ${date(opened.expires, ownZone())}.`);
    const { session, account } = this.app;
    part(this, "choose").hidden = session !== null;
    part(this, "join").hidden = session === null;
    button(this, "accept").textContent = `Join as ${account?.name ?? ""}`;
  }

  #account() {
    if (!this.#invitation) return;
    const form = new KsAccountForm();
    form.ticket = { invitation: this.#invitation.secret.ticket };
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
    if (!session || !this.#invitation) return;
    const { secret, opened } = this.#invitation;
    const accept = button(this, "accept");
    accept.setAttribute("aria-disabled", "true");
    try {
      const { keys, pins, client } = session;
      await client.acceptInvitation(await acceptInvitation({ secret, opened, keys, pins }), { signal: this.signal });
      await session.loadHomes();
      session.choose(secret.home);
      go("/events", { replace: true });
    } finally {
      accept.setAttribute("aria-disabled", "false");
    }
  }

  /** @param {unknown} error */
  #wrong(error) {
    if (!this.#invitation) part(this, "title").textContent = "This invitation can’t be opened";
    say(this, "wrong", errorWords(error));
  }
}

define("ks-join-page", KsJoinPage);
