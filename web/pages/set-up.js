// Set-up: one question per screen. Where it stands follows from what exists already, so it can be left and resumed anywhere.

import { KsAccountForm } from "../elements/account-form.js";
import { KsFirstEvent } from "../elements/first-event.js";
import { KsPairAgent } from "../elements/pair-agent.js";
import { clone, part, say, template } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { errorWords } from "../app/states.js";
import { go } from "../ui/router.js";
import { Page } from "./page.js";

const MARKUP = template`
  <div class="question">
    <header><p class="step" data-part="step"></p><div class="steps" data-part="steps" aria-hidden="true"><i></i><i></i><i></i><i></i><i></i></div><h1 data-part="title" tabindex="-1"></h1><p class="quiet" data-part="help"></p></header>
    <p class="note danger" data-part="wrong" role="alert" hidden></p>
    <div data-part="body"></div>
    <p data-part="known" hidden><a class="button plain" href="/sign-in">I have an account already</a></p>
  </div>`;

const CLOSED = template`
  <div class="blank"><svg class="icon" aria-hidden="true"><use href="/icons.svg#lock"/></svg><h1>This server waits to be set up</h1>
    <p>Open the set-up link that the server printed when it first started. It works once, and makes whoever opens it the first account.</p></div>`;

/** @type {Record<1 | 2 | 3 | 4 | 5, [string, string]>} */
const WORDS = {
  1: ["Create your account", "It opens your videos on this device and on others you sign in on."],
  2: ["Keep your recovery code", "Write it down, save it, or let your password manager keep it."],
  3: ["Name your home", "This begins a home of your own. To join somebody else’s, open the invitation link that they send you."],
  4: ["Add the box at home", "A small program on a computer at home watches your cameras, seals what they see, and uploads it."],
  5: ["Wait for your first Event", "Each line is ticked when it has really happened."],
};

class KsSetUpPage extends Page {
  heading = "Set up";

  start() {
    const { state } = this.app;
    if (state.name === "signed_out" && state.service.setup_needed && !this.fragment) return this.append(clone(CLOSED));
    this.append(clone(MARKUP));
    this.on(this, "ks-step", (/** @type {CustomEvent<1 | 2>} */ { detail }) => this.#title(detail));
    this.on(this, "ks-done", () => this.#next());
    this.on(this, "ks-first", () => { part(this, "title").textContent = "Your first Event is here"; say(this, "help", "It was sealed at home, and has just been opened on this device."); });
    this.#next();
  }

  #next() { this.run(this.#step(), (error) => say(this, "wrong", errorWords(error))); }

  async #step() {
    const { session } = this.app;
    if (!session) return this.#account();
    const { current } = session;
    if (!current) return this.#show(3, document.createElement("ks-new-home-form"));
    if (!current.owner) return go("/events", { replace: true });
    const agents = await session.client.agents(current.id, { signal: this.signal });
    if (agents.length === 0) {
      const pair = new KsPairAgent();
      pair.home = current;
      return this.#show(4, pair);
    }
    const first = new KsFirstEvent();
    first.home = current;
    this.#show(5, first);
  }

  #account() {
    const form = new KsAccountForm();
    form.ticket = this.fragment ? { setup: this.fragment } : null;
    this.#show(1, form);
    const { state } = this.app;
    part(this, "known").hidden = state.name !== "signed_out" || state.service.setup_needed;
  }

  /** @param {1 | 2 | 3 | 4 | 5} step @param {HTMLElement} body */
  #show(step, body) {
    this.#title(step);
    part(this, "body").replaceChildren(body);
    if (step > 1) part(this, "title").focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  /** @param {1 | 2 | 3 | 4 | 5} step */
  #title(step) {
    const [title, help] = WORDS[step];
    if (step > 1) part(this, "known").hidden = true;
    part(this, "step").textContent = `${step} of 5`;
    part(this, "title").textContent = title;
    say(this, "help", help);
    for (const [index, bar] of [...part(this, "steps").children].entries()) bar.toggleAttribute("data-done", index < step);
  }
}

define("ks-set-up-page", KsSetUpPage);
