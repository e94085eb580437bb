// A camera: its last picture, its name, how it does, how much it saw today.

/** @import { HomeView, NamedCamera } from "../app/home.js" */
import { sealName } from "../crypto/name.js";
import { openEvent } from "../media/event.js";
import { stateOf } from "../media/state.js";
import { Thumbnails } from "../media/thumbs.js";
import { errorWords } from "../app/states.js";
import { ask, shown } from "../ui/dialog.js";
import { button, clone, icon, input, link, part, say, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { onSubmit } from "../ui/form.js";
import { Said } from "../app/said.js";
import { openMenu } from "../ui/menu.js";
import { when } from "../ui/time.js";
import { cameraWords, count } from "../ui/words.js";

const MARKUP = template`
  <article class="camera-card">
    <a class="still" data-part="still" tabindex="-1" aria-hidden="true"><img data-part="picture" alt="" hidden><span class="state" data-part="state"></span></a>
    <div class="camera-words">
      <div class="line"><h2><a data-part="name"></a></h2><button type="button" class="icon-button" data-part="more" aria-haspopup="menu"><svg class="icon" aria-hidden="true"><use href="/icons.svg#more"/></svg></button></div>
      <p class="health" data-part="health"></p>
      <p class="quiet"><span data-part="today"></span><span data-part="last"></span></p>
      <p><a data-part="views">Who viewed</a></p>
      <p class="note danger" data-part="wrong" role="alert" hidden></p>
    </div>
  </article>`;

const RENAME = template`
  <dialog class="sheet" aria-labelledby="rename-title"><form data-part="form">
    <h2 id="rename-title">Rename this camera</h2>
    <p class="note danger" data-part="wrong" role="alert" hidden></p>
    <div class="field"><label for="camera-name">Name</label><input class="input" id="camera-name" name="name" data-part="name" required maxlength="64" autocomplete="off">
      <p class="help">Sealed like your videos: only the people of your home can read it.</p></div>
    <div class="actions"><button type="button" class="button" data-part="no">Cancel</button><button type="submit" class="button primary">Rename</button></div>
  </form></dialog>`;

export class KsCameraCard extends Living {
  /** @type {{home: HomeView, camera: NamedCamera} | null} */
  #given = null;
  /** @type {{release(): void} | null} */
  #picture = null;
  #pictured = "";

  /** @param {{home: HomeView, camera: NamedCamera}} given */
  set given(given) {
    this.#given = given;
    if (this.isConnected && this.firstChild) this.#draw(given);
  }

  start() {
    this.append(clone(MARKUP));
    this.on(button(this, "more"), "click", () => this.#menu());
    if (this.#given) this.#draw(this.#given);
  }

  stop() { this.#picture?.release(); }

  /** @param {{home: HomeView, camera: NamedCamera}} given */
  #draw({ home, camera: { row, name } }) {
    const events = `/events?camera=${encodeURIComponent(row.camera)}`;
    link(this, "name").textContent = name;
    link(this, "name").href = events;
    link(this, "still").href = events;
    const { text, tone } = cameraWords(row, home.zone);
    const health = part(this, "health");
    health.textContent = text;
    health.className = `health ${tone}`;
    health.prepend(icon(tone === "ok" ? "manual" : tone === "warn" ? "warn" : "close", "small"));
    part(this, "today").textContent = row.today ? `${count(row.today, "Event")} today` : "No Events today";
    part(this, "last").textContent = row.last ? ` · last ${when(row.last.filed, home.zone)}` : "";
    link(this, "views").href = `/views?camera=${encodeURIComponent(row.camera)}`;
    link(this, "views").setAttribute("aria-label", `Who viewed ${name}`);
    const more = button(this, "more");
    more.hidden = !home.owner;
    more.setAttribute("aria-label", `More for ${name}`);
    if (home.lockdown) return this.#close();
    if (row.last && row.last.event !== this.#pictured) this.run(this.#show(home, row.last), (error) => this.#noPicture(error));
    if (!row.last) part(this, "state").textContent = "No picture yet";
  }

  /** Under a lockdown nothing of its Events is told: what is shown goes, and no "none" takes its place. */
  #close() {
    this.#picture?.release();
    this.#picture = null;
    this.#pictured = "";
    const picture = /** @type {HTMLImageElement} */ (part(this, "picture"));
    picture.hidden = true;
    picture.removeAttribute("src");
    part(this, "today").textContent = part(this, "last").textContent = "";
    say(this, "state", "In lockdown");
  }

  /** @param {HomeView} home @param {import("../api/types.js").Event} last */
  async #show(home, last) {
    if (!home.opened || home.lockdown) return say(this, "state", home.lockdown ? "In lockdown" : "Locked on this device");
    if (!last.complete && !(await this.#hasPicture(home, last))) return say(this, "state", this.#picture ? null : "Recording now");
    this.#pictured = last.event;
    const opened = await openEvent({ client: home.session.client, open: home.opened, row: last });
    const got = await new Thumbnails({ parallel: 1 }).want(opened, { signal: this.signal });
    if (this.signal.aborted || this.#pictured !== last.event) return got.release();
    this.#picture?.release();
    this.#picture = got;
    const picture = /** @type {HTMLImageElement} */ (part(this, "picture"));
    picture.src = got.url;
    picture.hidden = false;
    say(this, "state", null);
  }

  /** An Event that is still recorded may have none yet. @param {HomeView} home @param {import("../api/types.js").Event} last */
  async #hasPicture(home, last) {
    const { segments } = await home.session.client.event(home.id, last.camera, last.event, { signal: this.signal });
    return segments.some(({ kind }) => kind === "thumbnail") && segments.some(({ kind }) => kind === "card");
  }

  /** @param {unknown} error */
  #noPicture(error) {
    const words = { did_not_belong: "Its picture did not belong here and is not shown", damaged: "Its picture is damaged or changed", locked: "Locked on this device" };
    const state = stateOf(error);
    say(this, "state", state in words ? words[/** @type {keyof typeof words} */ (state)] : "No picture right now");
  }

  #menu() {
    if (!this.#given) return;
    const { camera: { row } } = this.#given;
    const off = row.state === "off";
    /** @param {Promise<void>} deed */
    const told = (deed) => this.run(deed, (error) => say(this, "wrong", errorWords(error)));
    const rename = { text: "Rename", deed: () => this.run(this.#rename()) };
    openMenu(button(this, "more"), row.state === "removed" ? [rename, { text: "Delete its videos", deed: () => told(this.#clear()) }] : [
      rename,
      { text: off ? "Switch on" : "Switch off", deed: () => told(this.#switch(off)) },
      { text: "Remove", deed: () => told(this.#remove()) },
    ]);
  }

  async #remove() {
    if (!this.#given) return;
    const { home, camera: { row, name } } = this.#given;
    const sure = await ask({
      title: `Remove ${name}?`, yes: "Remove", danger: true, signal: this.signal,
      points: ["It stops recording for good. Videos that the box has not uploaded yet are not taken any more.", "Its other videos stay for the same people, for as long as the home keeps videos.", "To use the camera again, add it anew at the box."],
    });
    if (!sure) return;
    await home.session.client.deleteCamera(home.id, row.camera, { signal: this.signal });
    await home.loadCameras();
  }

  /** Deletes the videos of a removed camera, page by page. */
  async #clear() {
    if (!this.#given) return;
    const { home, camera: { row, name } } = this.#given;
    const sure = await ask({
      title: `Delete all videos of ${name}?`, yes: "Delete", danger: true, signal: this.signal,
      points: ["They are deleted for everybody, those that are kept too, and can’t be brought back.", "Who viewed them stays on record."],
    });
    if (!sure) return;
    const { client } = home.session;
    for (;;) {
      const { events } = await client.events(home.id, { camera: row.camera }, { signal: this.signal });
      if (events.length === 0) break;
      for (const { event } of events) await client.deleteEvent(home.id, row.camera, event, { signal: this.signal });
    }
    await home.loadCameras();
  }

  async #rename() {
    if (!this.#given) return;
    const { home, camera: { row, name } } = this.#given;
    const copy = clone(RENAME);
    const dialog = /** @type {HTMLDialogElement} */ (copy.querySelector("dialog"));
    const form = /** @type {HTMLFormElement} */ (part(dialog, "form"));
    input(dialog, "name").value = name;
    button(dialog, "no").addEventListener("click", () => dialog.close());
    onSubmit(form, this.signal, async (value) => {
      const text = value("name").trim();
      if (!text || !home.opened) throw new Said("Enter a name.");
      await home.session.client.setCameraName(home.id, row.camera, await sealName({ open: home.opened, subject: row.camera, text }), { signal: this.signal });
      dialog.close();
      await home.loadCameras();
    });
    await shown(dialog, this.signal);
  }

  /** @param {boolean} on */
  async #switch(on) {
    if (!this.#given) return;
    const { home, camera: { row, name } } = this.#given;
    const sure = on || await ask({
      title: `Switch ${name} off?`, yes: "Switch off", signal: this.signal,
      points: ["It stops recording until an owner switches it on again.", "What it has recorded stays."],
    });
    if (!sure) return;
    await home.session.client.switchCamera(home.id, row.camera, on, { signal: this.signal });
    await home.loadCameras();
  }
}

define("ks-camera-card", KsCameraCard);
