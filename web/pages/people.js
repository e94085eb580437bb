// People: who belongs to the home and what they may do; open invitations; adding and removing.

/** @import { Invitation, Member } from "../api/types.js" */
import { errorWords } from "../app/states.js";
import { removeSlot } from "../crypto/chain-build.js";
import { invite } from "../elements/invite-dialog.js";
import { announce } from "../ui/announce.js";
import { ask } from "../ui/dialog.js";
import { button, clone, part, say, template } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { go } from "../ui/router.js";
import { date, when } from "../ui/time.js";
import { rightsWords } from "../ui/words.js";
import { Page } from "./page.js";

const MARKUP = template`
  <header class="page-head narrow"><div class="line"><h1>People</h1><button type="button" class="button primary" data-part="add" hidden><svg class="icon small" aria-hidden="true"><use href="/icons.svg#add"/></svg>Add someone</button></div>
    <p class="status" data-part="status" hidden></p></header>
  <div class="sections narrow">
    <ul class="rows" role="list" data-part="members"></ul>
    <section class="list-section" data-part="invited" hidden><h2>Invited</h2><ul class="rows" role="list" data-part="invitations"></ul></section>
    <p class="note" data-part="behind" role="status" hidden><svg class="icon" aria-hidden="true"><use href="/icons.svg#wait"/></svg><span>Who was removed is refused everywhere already. A box at home has not heard of it yet: until it has, it seals what it records with keys from before, and only the service keeps those videos from who had them.</span></p>
    <p class="note" data-part="restored" hidden><svg class="icon" aria-hidden="true"><use href="/icons.svg#warn"/></svg><span data-part="restored-words"></span></p>
    <p class="note" data-part="rotation" hidden><svg class="icon" aria-hidden="true"><use href="/icons.svg#wait"/></svg><span>Somebody has left this home, or replaced their keys. Who left can open nothing from here any more. New keys begin when an owner next opens Keepsight.</span></p>
    <div class="links"><a class="row-item link" href="/views"><svg class="icon" aria-hidden="true"><use href="/icons.svg#views"/></svg><span class="grow"><strong>Who viewed</strong><span class="quiet">See who opened what, and when</span></span><svg class="icon small" aria-hidden="true"><use href="/icons.svg#right"/></svg></a>
    <a class="row-item link" href="/home"><svg class="icon" aria-hidden="true"><use href="/icons.svg#settings"/></svg><span class="grow"><strong>Home settings</strong><span class="quiet">Name, time zone, how long videos are kept</span></span><svg class="icon small" aria-hidden="true"><use href="/icons.svg#right"/></svg></a></div>
    <p><button type="button" class="button plain danger" data-part="leave">Leave this home</button></p>
  </div>`;

const MEMBER = template`<li class="row-item"><svg class="icon" aria-hidden="true"><use href="/icons.svg#account"/></svg>
  <div class="grow"><strong data-part="name"></strong><p class="quiet" data-part="rights"></p><p class="quiet" data-part="since"></p><p class="quiet" data-part="keys" hidden></p></div>
  <button type="button" class="button plain danger" data-part="remove" hidden>Remove</button></li>`;

const INVITATION = template`<li class="row-item"><svg class="icon" aria-hidden="true"><use href="/icons.svg#link"/></svg>
  <div class="grow"><strong data-part="name"></strong><p class="quiet" data-part="rights"></p></div><button type="button" class="button plain danger" data-part="revoke" hidden>Take back</button></li>`;

/** So long owners are asked to look at who belongs to a home that came back from a backup. */
const RESTORED_MS = 30 * 86_400_000;
/** How often it looks whether the boxes have heard of a removal. */
const BEHIND_MS = 3000;

class KsPeoplePage extends Page {
  heading = "People";

  start() {
    this.append(clone(MARKUP));
    const { home } = this;
    button(this, "add").hidden = !home.owner;
    this.on(button(this, "add"), "click", () => this.run(invite(home, this.signal).then(() => this.#load()), (error) => this.#wrong(error)));
    this.on(button(this, "leave"), "click", () => this.run(this.#leave(), (error) => this.#wrong(error)));
    this.on(home, "change", () => this.#later());
    this.run(this.#load(), (error) => this.#wrong(error));
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #settling;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hearing;

  stop() {
    clearTimeout(this.#settling);
    clearTimeout(this.#hearing);
  }

  #later() {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.run(this.#load(), () => {}), 300);
  }

  async #load() {
    const { home } = this;
    const { members, invitations } = await this.session.client.people(home.id, { signal: this.signal });
    part(this, "members").replaceChildren(...members.map((member) => this.#member(member)));
    part(this, "invited").hidden = invitations.length === 0;
    part(this, "invitations").replaceChildren(...invitations.map((one) => this.#invitation(one)));
    // A home without an owner could let nobody in or out any more.
    button(this, "leave").hidden = home.owner && members.filter(({ rights }) => rights.includes("manage")).length < 2;
    part(this, "rotation").hidden = !home.row.rotation_due;
    const { restored } = home.row;
    part(this, "restored").hidden = !home.owner || restored === null || Date.now() - restored > RESTORED_MS;
    part(this, "restored-words").textContent = restored === null ? "" : `The service came back from a backup on ${date(restored, home.zone)}. Who was removed stays removed; who joined or was changed after the backup was made has to be invited anew. Please look whether everybody here belongs to this home.`;
    say(this, "status", home.overdue && `New keys could not be made yet. ${home.overdue}`);
    await this.#boxes();
  }

  /** Nobody tells when a box has heard of a removal: while one has not, it is asked for. */
  async #boxes() {
    clearTimeout(this.#hearing);
    const { home } = this;
    if (!home.owner) return;
    const agents = await this.session.client.agents(home.id, { signal: this.signal });
    const behind = agents.some((agent) => home.isBehind(agent));
    part(this, "behind").hidden = !behind;
    if (behind) this.#hearing = setTimeout(() => this.run(this.#boxes(), () => this.#later()), BEHIND_MS);
  }

  /** @param {Member} member */
  #member(member) {
    const row = /** @type {HTMLElement} */ (clone(MEMBER).firstElementChild);
    const me = member.account === this.session.account.account;
    part(row, "name").textContent = me ? `${member.name} (you)` : member.name;
    part(row, "rights").textContent = rightsWords(member.rights);
    part(row, "since").textContent = `Since ${date(member.since, this.home.zone)}`;
    say(row, "keys", this.#keysWords(member, me));
    const remove = button(row, "remove");
    remove.hidden = me || !this.home.owner;
    remove.setAttribute("aria-label", `Remove ${member.name}`);
    this.on(remove, "click", () => this.run(this.#remove(member), (error) => this.#wrong(error)));
    return row;
  }

  /** That keys were replaced is the chain's word; when, the server's. @param {Member} member @param {boolean} me */
  #keysWords({ slot, name, keys_replaced: at }, me) {
    if (!this.home.opened?.chain.replacedKeys(slot)) return null;
    const on = at === null ? "" : ` (${when(at, this.home.zone)})`;
    if (me) return `You replaced your keys${on}.`;
    return `Replaced their keys${on}: a device was lost, or a password forgotten. If that was not ${name}, remove them.`;
  }

  /** @param {Invitation} invitation */
  #invitation(invitation) {
    const row = /** @type {HTMLElement} */ (clone(INVITATION).firstElementChild);
    part(row, "name").textContent = invitation.rights.includes("manage") ? "An owner" : "A member";
    const [made, until] = [when(invitation.created, this.home.zone), when(invitation.expires, this.home.zone)];
    part(row, "rights").textContent = invitation.lapsed ? `Link made ${made}, works no longer since ${until}` : `Link made ${made}, works until ${until}`;
    const revoke = button(row, "revoke");
    revoke.hidden = !this.home.owner;
    this.on(revoke, "click", () => this.run(this.#revoke(invitation), (error) => this.#wrong(error)));
    return row;
  }

  /** @param {Member} member */
  async #remove(member) {
    const sure = await ask({
      title: `Remove ${member.name}?`, yes: "Remove", danger: true, signal: this.signal,
      points: ["They can open nothing here from now on, on any device.", "New keys are made, so that what is recorded next can’t be opened with anything they still have.",
        "Copies they saved stay with them.", "To let them in again, invite them again."],
    });
    if (!sure) return;
    await this.#without(member.slot);
    announce(`${member.name} was removed`);
  }

  /** @param {Invitation} invitation */
  async #revoke(invitation) {
    const sure = await ask({ title: "Take this invitation back?", text: "Its link stops working at once.", yes: "Take back", danger: true, signal: this.signal });
    if (!sure) return;
    await this.#without(invitation.slot);
    announce("The invitation was taken back");
  }

  /** @param {string} slot */
  async #without(slot) {
    const { home } = this;
    await home.change(async (open) => removeSlot({ open, slot, ...(await home.aroundEpoch()) }));
    await home.refresh();
    await this.#load();
  }

  async #leave() {
    const { home, session } = this;
    const sure = await ask({
      title: `Leave ${home.name}?`, yes: "Leave", danger: true, signal: this.signal,
      points: ["You can open nothing here from now on.", "To come back, you need a new invitation."],
    });
    if (!sure) return;
    await session.client.leaveHome(home.id, { signal: this.signal });
    await session.loadHomes();
    go("/events", { replace: true });
  }

  /** @param {unknown} error */
  #wrong(error) { say(this, "status", errorWords(error)); }
}

define("ks-people-page", KsPeoplePage);
