// A new home: its name, sealed before it leaves, and the zone its days begin in.

import { genesis } from "../crypto/chain-build.js";
import { clone, input, part, template, typed } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { onSubmit } from "../ui/form.js";
import { Said } from "../app/said.js";
import { ownZone, zones } from "../ui/time.js";
import { appOf } from "./app.js";

const MARKUP = template`
  <form data-part="form">
    <p class="note danger" data-part="wrong" role="alert" hidden></p>
    <div class="field"><label for="new-home-name">What do you call your home?</label>
      <input class="input" id="new-home-name" name="name" required maxlength="64" autocomplete="off" placeholder="For example: 12 Elm Street"><p class="help">Sealed like your videos: only the people of your home can read it.</p></div>
    <div class="field"><label for="new-home-zone">Time zone</label>
      <input class="input" id="new-home-zone" name="zone" data-part="zone" list="new-home-zones" required autocomplete="off" spellcheck="false"><datalist id="new-home-zones" data-part="zones"></datalist></div>
    <div class="actions"><button type="submit" class="button primary">Continue</button></div>
  </form>`;

/** Fires `ks-done` when the home exists. */
export class KsNewHomeForm extends Living {
  start() {
    this.append(clone(MARKUP));
    input(this, "zone").value = ownZone();
    part(this, "zones").replaceChildren(...zones().map((zone) => new Option(zone, zone)));
    onSubmit(typed(this, "form", HTMLFormElement), this.signal, (value) => this.#make(value("name").trim(), value("zone").trim()));
  }

  /** @param {string} name @param {string} timeZone */
  async #make(name, timeZone) {
    const { session } = appOf(this);
    if (!session) return;
    if (!name) throw new Said("Enter a name.");
    if (!zones().includes(timeZone) && timeZone !== ownZone()) throw new Said("Choose a time zone from the list, for example Europe/Berlin.");
    const { body, pin } = await genesis({ keys: session.keys, name, timeZone });
    await session.pins.raise(body.home, pin);
    await session.client.createHome(body, { signal: this.signal });
    await session.loadHomes();
    session.choose(body.home);
    this.dispatchEvent(new Event("ks-done", { bubbles: true }));
  }
}

define("ks-new-home-form", KsNewHomeForm);
