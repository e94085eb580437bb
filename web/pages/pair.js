// Adding a box to a home that is set up already.

import { KsPairAgent } from "../elements/pair-agent.js";
import { clone, part, template, typed } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { go } from "../ui/router.js";
import { Page } from "./page.js";

const MARKUP = template`
  <header class="page-head narrow"><div class="line"><h1>Add a box</h1></div><p class="quiet">The box watches your cameras, seals what they see, and uploads it. It can be any computer that stays on.</p></header>
  <div class="narrow"><ks-pair-agent data-part="pair"></ks-pair-agent><p class="note" data-part="no" hidden>Only an owner of the home can add a box.</p></div>`;

class KsPairPage extends Page {
  heading = "Add a box";

  start() {
    const copy = clone(MARKUP);
    const pair = typed(copy, "pair", KsPairAgent);
    if (this.home.owner) pair.home = this.home;
    else { pair.remove(); part(copy, "no").hidden = false; }
    this.append(copy);
    this.on(this, "ks-done", () => go("/cameras", { replace: true }));
  }
}

define("ks-pair-page", KsPairPage);
