// Cameras: a card each, in the alphabet's order whatever their state; below them the boxes at home that watch them.

/** @import { Agent } from "../api/types.js" */
import { errorWords, stateWords } from "../app/states.js";
import { KsCameraCard } from "../elements/camera-card.js";
import { removeAgent } from "../crypto/chain-build.js";
import { ask } from "../ui/dialog.js";
import { button, clone, part, say, template } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { when } from "../ui/time.js";
import { bytes } from "../ui/words.js";
import { Page } from "./page.js";

const MARKUP = template`
  <header class="page-head"><div class="line"><h1>Cameras</h1><a class="button" href="/pair" data-part="add" hidden><svg class="icon small" aria-hidden="true"><use href="/icons.svg#add"/></svg>Add a box</a></div>
    <p class="status" data-part="status" hidden></p></header>
  <ul class="cards" role="list" data-part="cards"></ul>
  <div class="blank" data-part="blank" hidden><svg class="icon" aria-hidden="true"><use href="/icons.svg#cameras"/></svg><p data-part="blank-words"></p><p class="quiet" data-part="blank-help"></p><a class="button primary" href="/pair" data-part="blank-add" hidden>Add a box</a></div>
  <section class="list-section" data-part="boxes-section" hidden><h2>Boxes at home</h2><ul class="rows" role="list" data-part="boxes"></ul></section>`;

const BOX = template`<li class="row-item"><svg class="icon" aria-hidden="true"><use href="/icons.svg#box"/></svg>
  <div class="grow"><strong data-part="title"></strong><p class="quiet" data-part="words"></p></div><button type="button" class="button plain danger" data-part="remove" hidden>Remove</button></li>`;

/** A box that was heard within this time is there. */
const HEARD_MS = 90_000;

class KsCamerasPage extends Page {
  heading = "Cameras";
  /** @type {Map<string, KsCameraCard>} */
  #cards = new Map();

  start() {
    this.append(clone(MARKUP));
    part(this, "add").hidden = !this.home.owner;
    this.on(this.home, "change", () => this.#draw());
    this.on(this.home, "event", () => { clearTimeout(this.#settling); this.#settling = setTimeout(() => this.#load(), 1500); });
    this.#draw();
    this.#load();
  }

  stop() { clearTimeout(this.#settling); }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #settling;
  #loaded = false;

  #load() {
    this.run(this.#read(), (error) => say(this, "status", errorWords(error)));
  }

  async #read() {
    await this.home.loadCameras();
    this.#loaded = true;
    this.#draw();
    if (this.home.owner) this.#boxes(await this.session.client.agents(this.home.id, { signal: this.signal }));
    say(this, "status", null);
  }

  #draw() {
    const { ended } = this.home;
    // One that was removed is shown for its videos alone.
    const cameras = this.home.cameras.filter(({ row }) => row.state !== "removed" || row.last !== null);
    for (const [id, card] of this.#cards) if (ended || !cameras.some(({ row }) => row.camera === id)) { (card.closest("li") ?? card).remove(); this.#cards.delete(id); }
    if (ended) return this.#blank(stateWords("ended"), "", false);
    for (const [index, camera] of cameras.entries()) this.#card(camera, index);
    part(this, "blank").hidden = true;
    if (this.#loaded && cameras.length === 0) this.#blank("No cameras yet.", "A small box at home watches your cameras, seals what they see and uploads it. Add the box, then add cameras there: keepsight agent add NAME ADDRESS", this.home.owner);
  }

  /** @param {import("../app/home.js").NamedCamera} camera @param {number} index */
  #card(camera, index) {
    let card = this.#cards.get(camera.row.camera);
    if (card) card.given = { home: this.home, camera };
    else {
      card = new KsCameraCard();
      card.given = { home: this.home, camera };
      this.#cards.set(camera.row.camera, card);
      const place = document.createElement("li");
      place.append(card);
      const list = part(this, "cards");
      list.insertBefore(place, list.children[index] ?? null);
    }
  }

  /** @param {string} words @param {string} help @param {boolean} add */
  #blank(words, help, add) {
    part(this, "blank").hidden = false;
    part(this, "blank-words").textContent = words;
    say(this, "blank-help", help);
    part(this, "blank-add").hidden = !add;
  }

  /** @param {Agent[]} agents */
  #boxes(agents) {
    part(this, "boxes-section").hidden = agents.length === 0;
    part(this, "boxes").replaceChildren(...agents.map((agent, index) => this.#box(agent, index)));
  }

  /** @param {Agent} agent @param {number} index */
  #box(agent, index) {
    const row = /** @type {HTMLElement} */ (clone(BOX).firstElementChild);
    const { zone } = this.home;
    part(row, "title").textContent = `Box ${index + 1}`;
    const heard = agent.heard === null ? "Not heard of yet" : Date.now() - agent.heard < HEARD_MS ? "Connected" : `Not heard of since ${when(agent.heard, zone)}`;
    const spool = agent.spool_bytes ? ` · ${bytes(agent.spool_bytes)} waiting to be uploaded` : "";
    const behind = this.home.isBehind(agent) ? " · still seals with keys from before the last change of people" : "";
    part(row, "words").textContent = `${heard}${agent.version ? ` · version ${agent.version}` : ""}${spool}${behind} · added ${when(agent.since, zone)}`;
    const remove = button(row, "remove");
    remove.hidden = false;
    remove.setAttribute("aria-label", `Remove box ${index + 1}`);
    this.on(remove, "click", () => this.run(this.#remove(agent, index), (error) => say(this, "status", errorWords(error))));
    return row;
  }

  /** @param {Agent} agent @param {number} index */
  async #remove(agent, index) {
    const sure = await ask({
      title: `Remove box ${index + 1}?`, yes: "Remove", danger: true, signal: this.signal,
      points: ["Nothing more that it records is accepted.", "What it has uploaded stays.", "To use it again, reset it and add it anew."],
    });
    if (!sure) return;
    await this.home.change((open) => removeAgent({ open, agent: agent.agent }));
    this.#load();
  }
}

define("ks-cameras-page", KsCamerasPage);
