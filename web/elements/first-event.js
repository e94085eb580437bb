// The check-list until the first Event has been seen: camera found, sealed, uploaded, opened here. Each line is ticked by what really happened.

/** @import { HomeView } from "../app/home.js" */
import { openEvent } from "../media/event.js";
import { Thumbnails } from "../media/thumbs.js";
import { announce } from "../ui/announce.js";
import { clone, link, part, setIcon, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";

const MARKUP = template`
  <div class="stack">
    <ol class="checks" role="list">
      <li data-part="camera"><svg class="icon" aria-hidden="true"><use href="/icons.svg#ring"/></svg><div><strong>Camera found</strong><p class="quiet until">On the box, type <code>keepsight agent add</code>, a name, and the camera’s address: <code>keepsight agent add Hall rtsp://192.168.1.20/stream</code>. Then <code>keepsight agent run</code>.</p></div><span class="vh" data-part="camera-said">waiting</span></li>
      <li data-part="sealed"><svg class="icon" aria-hidden="true"><use href="/icons.svg#ring"/></svg><div><strong>Sealed at home</strong><p class="quiet until">Walk past the camera. Or record an Event now: <code>keepsight agent status</code> shows each camera’s id, <code>keepsight agent trigger ID</code> records.</p></div><span class="vh" data-part="sealed-said">waiting</span></li>
      <li data-part="uploaded"><svg class="icon" aria-hidden="true"><use href="/icons.svg#ring"/></svg><div><strong>Uploaded</strong><p class="quiet">The service has it and can’t look inside.</p></div><span class="vh" data-part="uploaded-said">waiting</span></li>
      <li data-part="opened"><svg class="icon" aria-hidden="true"><use href="/icons.svg#ring"/></svg><div><strong>Opened here</strong><p class="quiet">Checked and opened on this device.</p></div><span class="vh" data-part="opened-said">waiting</span></li>
    </ol>
    <p class="actions"><a class="button primary" data-part="see" hidden>See your first Event</a><a class="button plain" href="/events" data-part="later">Do this later</a></p>
    <p class="still first" data-part="still" hidden><img data-part="picture" alt="A picture of your first Event"></p>
  </div>`;

/** @typedef {"camera" | "sealed" | "uploaded" | "opened"} Step */

/** Besides the updates, it looks this often. */
const LOOK_MS = 3000;

/** Fires `ks-first` once the first Event was opened here. */
export class KsFirstEvent extends Living {
  /** @type {HomeView | null} */
  home = null;
  /** @type {{release(): void} | null} */
  #picture = null;
  #looking = false;
  #done = new Set();

  start() {
    this.append(clone(MARKUP));
    const { home } = this;
    if (!home) return;
    const look = () => this.run(this.#look(home), () => { /* It looks again soon. */ });
    this.on(home, "event", look);
    this.on(home, "change", look);
    const timer = setInterval(look, LOOK_MS);
    this.signal.addEventListener("abort", () => clearInterval(timer));
    look();
  }

  stop() { this.#picture?.release(); }

  /** @param {HomeView} home */
  async #look(home) {
    if (this.#looking || this.#done.has("opened") || !home.opened) return;
    this.#looking = true;
    try {
      const { client } = home.session;
      const cameras = await client.cameras(home.id, { signal: this.signal });
      if (cameras.length === 0) return;
      this.#tick("camera");
      const { events: [row] } = await client.events(home.id, { limit: 1 }, { signal: this.signal });
      if (!row) return;
      const opened = await openEvent({ client, open: home.opened, row });
      this.#tick("sealed");
      const { segments } = await client.event(row.home, row.camera, row.event, { signal: this.signal });
      if (!segments.some(({ kind, number }) => kind === "video" && number === 0)) return;
      this.#tick("uploaded");
      await opened.segment("video", 0, { signal: this.signal });
      this.#tick("opened");
      link(this, "see").href = `/events/${row.home}/${row.camera}/${row.event}`;
      link(this, "see").hidden = false;
      link(this, "later").hidden = true;
      link(this, "see").focus();
      this.dispatchEvent(new Event("ks-first", { bubbles: true }));
      if (segments.some(({ kind }) => kind === "thumbnail")) await this.#show(opened);
    } finally {
      this.#looking = false;
    }
  }

  /** Its picture, if it has one by now. @param {import("../media/event.js").OpenedEvent} opened */
  async #show(opened) {
    const shown = await new Thumbnails({ parallel: 1 }).want(opened, { signal: this.signal });
    this.#picture = shown;
    /** @type {HTMLImageElement} */ (part(this, "picture")).src = shown.url;
    part(this, "still").hidden = false;
  }

  /** @param {Step} step */
  #tick(step) {
    if (this.#done.has(step)) return;
    this.#done.add(step);
    const line = part(this, step);
    line.dataset.done = "";
    setIcon(line, "check");
    part(this, `${step}-said`).textContent = "done";
    announce(`${line.querySelector("strong")?.textContent}: done`);
  }
}

define("ks-first-event", KsFirstEvent);
