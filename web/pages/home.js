// The home's settings: name, time zone, how long and how much is kept; and the lockdown, which stops all viewing at once.

import { errorWords } from "../app/states.js";
import { sealName } from "../crypto/name.js";
import { announce } from "../ui/announce.js";
import { ask } from "../ui/dialog.js";
import { button, clone, input, part, say, template, typed } from "../ui/dom.js";
import { define } from "../ui/element.js";
import { onSubmit } from "../ui/form.js";
import { Said } from "../app/said.js";
import { zones } from "../ui/time.js";
import { bytes } from "../ui/words.js";
import { Page } from "./page.js";

const MARKUP = template`
  <header class="page-head narrow"><div class="line"><h1>Home settings</h1></div><p class="status" data-part="status" hidden></p></header>
  <div class="sections narrow">
    <form class="stack" data-part="form">
      <p class="note danger" data-part="wrong" role="alert" hidden></p>
      <div class="field"><label for="home-name">Name</label><input class="input" id="home-name" name="name" data-part="name" required maxlength="64" autocomplete="off"><p class="help">Sealed like your videos: only the people of your home can read it.</p></div>
      <div class="field"><label for="home-zone">Time zone</label><input class="input" id="home-zone" name="zone" data-part="zone" list="home-zones" required autocomplete="off" spellcheck="false"><datalist id="home-zones" data-part="zones"></datalist><p class="help">All times are shown as your home’s clock shows them.</p></div>
      <div class="field"><label for="home-days">Delete Events after</label><div class="with-unit"><input class="input" id="home-days" name="days" data-part="days" type="number" inputmode="numeric" min="1" max="3650" required><span>days</span></div></div>
      <div class="field"><label for="home-space">Or when they take more than</label><div class="with-unit"><input class="input" id="home-space" name="space" data-part="space" type="number" inputmode="decimal" min="0.1" step="0.1" required><span>GB</span></div>
        <p class="help" data-part="used"></p></div>
      <p class="quiet"><small>The oldest go first. Events that you keep stay, and don’t count here.</small></p>
      <div class="actions"><button type="submit" class="button primary" data-part="save">Save</button></div>
    </form>
    <section class="list-section" data-part="lockdown"><h2>Lockdown</h2><p class="quiet" data-part="lockdown-words"></p><p><button type="button" class="button" data-part="lock"></button></p></section>
  </div>`;

const GB = 1e9;
/** From this part of the room on it is said what a full home means. */
const NEARLY = 0.9;

class KsHomePage extends Page {
  heading = "Home settings";

  start() {
    this.append(clone(MARKUP));
    const { home } = this;
    part(this, "zones").replaceChildren(...zones().map((zone) => new Option(zone, zone)));
    this.#fill();
    this.#draw();
    const form = typed(this, "form", HTMLFormElement);
    if (!home.owner) for (const field of form.querySelectorAll("input")) field.readOnly = true;
    button(this, "save").hidden = !home.owner;
    onSubmit(form, this.signal, (value) => this.#save(value));
    this.on(home, "change", () => this.#draw());
    this.on(button(this, "lock"), "click", () => this.run(this.#lock(), (error) => say(this, "status", errorWords(error))));
  }

  #fill() {
    const { row, name } = this.home;
    input(this, "name").value = name;
    input(this, "zone").value = row.time_zone;
    input(this, "days").value = String(row.retention_days);
    input(this, "space").value = String(Math.round(row.retention_bytes / GB * 10) / 10);
  }

  #draw() {
    const { row, lockdown, owner } = this.home;
    part(this, "used").textContent = usage(row);
    part(this, "lockdown").hidden = !owner;
    part(this, "lockdown-words").textContent = lockdown ? "Viewing is stopped for everybody of this home. Recording goes on." : "Stops all viewing at once, for everybody of this home, until an owner ends it. Recording goes on.";
    const lock = button(this, "lock");
    lock.textContent = lockdown ? "End the lockdown" : "Start a lockdown";
    lock.classList.toggle("danger", !lockdown);
  }

  /** @param {(name: string) => string} value */
  async #save(value) {
    const { home, session: { client } } = this;
    const text = value("name").trim();
    if (!text) throw new Said("Enter a name.");
    if (!isZone(value("zone"))) throw new Said("Choose a time zone from the list, for example Europe/Berlin.");
    if (text !== home.name) {
      if (!home.opened) throw new Said("This home isn’t open on this device, so its name can’t be changed here.");
      await client.setHomeName(home.id, await sealName({ open: home.opened, subject: home.id, text }), { signal: this.signal });
      home.name = text;
    }
    await client.setHomeSettings(home.id, { time_zone: value("zone"), retention_days: Number(value("days")), retention_bytes: Math.round(Number(value("space")) * GB) }, { signal: this.signal });
    await home.refresh();
    announce("Saved");
    say(this, "status", null);
    button(this, "save").textContent = "Saved";
    setTimeout(() => { if (!this.signal.aborted) button(this, "save").textContent = "Save"; }, 2000);
  }

  async #lock() {
    const { home, session: { client } } = this;
    const on = !home.lockdown;
    const sure = !on || await ask({
      title: "Start a lockdown?", yes: "Stop all viewing", danger: true, signal: this.signal,
      points: ["Nobody can open or download videos, including you, until an owner ends it.", "What is playing somewhere stops within a second.", "Recording goes on."],
    });
    if (!sure) return;
    await client.setLockdown(home.id, on, { signal: this.signal });
    await home.refresh();
  }
}

/**
 * What the Events take of what they may, and why new ones may wait.
 * @param {import("../api/types.js").Home} row
 */
function usage(row) {
  const words = [`Now they take ${bytes(row.used_bytes)} of the ${bytes(row.bytes_max)} that this home may have.`];
  if (row.used_bytes > row.bytes_max * NEARLY) words.push("When all of it is taken and only kept ones are left, new ones wait at home until you keep fewer or delete some.");
  if (row.events_today >= row.events_a_day_max) words.push(`All ${row.events_a_day_max} Events that may arrive in a day are here; new ones wait at home until midnight UTC.`);
  return words.join(" ");
}

/** @param {string} zone */
function isZone(zone) {
  try { return Boolean(zone) && Boolean(new Intl.DateTimeFormat("en", { timeZone: zone })); } catch { return false; }
}

define("ks-home-page", KsHomePage);
