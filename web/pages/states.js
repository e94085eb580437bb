// Pages for when there is nothing to show: starting, leaving, server not reached, no such page.

import { clone, button, part, say, template } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { stateOf } from "../media/state.js";
import { stateWords } from "../app/states.js";
import { Page } from "./page.js";

/** How often they try by themselves. */
const RETRY_MS = 5000;

const STARTING = template`<div class="blank" aria-busy="true"><p data-part="words" hidden>Opening Keepsight on this device.</p></div>`;

class KsStartingPage extends Page {
  start() {
    this.append(clone(STARTING));
    const late = setTimeout(() => { part(this, "words").hidden = false; }, 1000);
    this.signal.addEventListener("abort", () => clearTimeout(late));
  }
}

const LEAVING = template`<div class="blank" aria-busy="true"><p data-part="words" hidden>Signing you out.</p></div>`;

class KsLeavingPage extends Page {
  heading = "Signing out";

  start() {
    this.append(clone(LEAVING));
    const late = setTimeout(() => { part(this, "words").hidden = false; }, 1000);
    this.signal.addEventListener("abort", () => clearTimeout(late));
  }
}

const NOT_OUT = template`
  <div class="blank" role="alert">
    <svg class="icon" aria-hidden="true"><use href="/icons.svg#offline"/></svg>
    <h1>Not signed out at the server yet</h1>
    <p>What opens your videos is gone from this device. But the server has not heard that you signed out, so this browser is still signed in there.</p>
    <p class="quiet">Leave this page open: it tries again by itself. Or end this device from another one that you use, under Account.</p>
    <button type="button" class="button primary" data-part="again">Try again</button>
  </div>`;

class KsNotOutPage extends Page {
  heading = "Not signed out yet";

  start() {
    this.append(clone(NOT_OUT));
    this.on(button(this, "again"), "click", () => this.run(this.app.leave()));
    const again = setInterval(() => { this.run(this.app.leave()); }, RETRY_MS);
    this.signal.addEventListener("abort", () => clearInterval(again));
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

class KsOfflinePage extends Page {
  heading = "Not reached";

  start() {
    this.append(clone(OFFLINE));
    const { state } = this.app;
    const error = state.name === "offline" ? state.error : null;
    const away = stateOf(error) === "offline";
    if (!away) part(this, "title").textContent = "Keepsight can’t start right now";
    say(this, "text", away ? "Check your connection; this page tries again by itself." : stateWords(stateOf(error), error));
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
define("ks-leaving-page", KsLeavingPage);
define("ks-not-out-page", KsNotOutPage);
define("ks-offline-page", KsOfflinePage);
define("ks-missing-page", KsMissingPage);
