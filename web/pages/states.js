// Pages for when there is nothing to show yet: starting, server not reached, no such page.

import { clone, button, part, say, template } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { stateOf } from "../media/state.js";
import { stateWords } from "../app/states.js";
import { Page } from "./page.js";

const STARTING = template`<div class="blank" aria-busy="true"><p data-part="words" hidden>Opening Keepsight on this device.</p></div>`;

class KsStartingPage extends Page {
  start() {
    this.append(clone(STARTING));
    const late = setTimeout(() => { part(this, "words").hidden = false; }, 1000);
    this.signal.addEventListener("abort", () => clearTimeout(late));
  }
}

const OFFLINE = template`
  <div class="blank">
    <svg class="icon" aria-hidden="true"><use href="/icons.svg#offline"/></svg>
    <h1 data-part="title">The server can’t be reached</h1>
    <p data-part="text"></p>
    <p class="quiet">Cameras at home go on recording. What they record is uploaded when the server is back.</p>
    <button type="button" class="button primary" data-part="again">Try again</button>
  </div>`;

/** How often it tries by itself. */
const RETRY_MS = 5000;

class KsOfflinePage extends Page {
  heading = "Not reached";

  start() {
    this.append(clone(OFFLINE));
    const { state } = this.app;
    const error = state.name === "offline" ? state.error : null;
    if (stateOf(error) !== "offline") part(this, "title").textContent = "Keepsight can’t start right now";
    say(this, "text", stateWords(stateOf(error), error));
    this.on(button(this, "again"), "click", () => this.run(this.app.begin()));
    const later = setTimeout(() => { this.run(this.app.begin()); }, RETRY_MS);
    this.signal.addEventListener("abort", () => clearTimeout(later));
  }
}

const MISSING = template`
  <div class="blank">
    <h1>There is nothing here</h1>
    <p>The address may be mistyped, or what was here is gone.</p>
    <a class="button primary" href="/events">Go to your Events</a>
  </div>`;

class KsMissingPage extends Page {
  heading = "Nothing here";
  start() { this.append(clone(MISSING)); }
}

define("ks-starting-page", KsStartingPage);
define("ks-offline-page", KsOfflinePage);
define("ks-missing-page", KsMissingPage);
