// For who is signed in and belongs to no home: taken out of one, gone from it by themselves, or not in one yet. Says what is so, and what one can do.

import { recall } from "../app/remember.js";
import { clone, part, template } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { go } from "../ui/router.js";
import { Page } from "./page.js";

const MARKUP = template`
  <div class="question">
    <header><h1 data-part="title"></h1><p class="quiet" data-part="help"></p></header>
    <section class="stack-2"><h2 data-part="join"></h2>
      <p>Ask an owner of the home for an invitation, and open the link that they send you. You keep this account.</p></section>
    <section class="stack"><div class="stack-2"><h2>Or make a home of your own</h2>
      <p>For cameras of your own. You are its owner, and you decide who else belongs to it.</p></div>
      <p><a class="button primary" href="/set-up">Make a home of your own</a></p></section>
    <p><a class="button plain" href="/account">Your account</a></p>
  </div>`;

class KsNoHomePage extends Page {
  heading = "No home";

  start() {
    this.append(clone(MARKUP));
    const { session } = this;
    this.#say(session.homes.find(({ opened }) => opened)?.name ?? session.former, recall(session.account.account, "home") !== null);
    this.run(this.#look());
  }

  /** @param {string | null} name of the home that is gone @param {boolean} remembered this device has shown one to this account */
  #say(name, remembered) {
    const gone = name !== null || remembered;
    part(this, "title").textContent = name ? `You no longer belong to ${name}` : gone ? "You don’t belong to a home any more" : "You don’t belong to a home";
    part(this, "join").textContent = gone ? "To come back" : "Join a home";
    part(this, "help").textContent = gone
      ? "An owner removed you, or you left. The home’s videos no longer open for you. Copies that you saved stay with you, and so does your account."
      : "An owner of a home adds you by an invitation. If you belonged to one before, an owner removed you, or you left.";
  }

  /** The list may be older than the removal, or than an invitation accepted elsewhere. */
  async #look() {
    await this.session.loadHomes();
    if (this.session.homes.length > 0) go("/events", { replace: true });
  }
}

define("ks-no-home-page", KsNoHomePage);
