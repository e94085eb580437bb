// What one can do with an Event: download, keep, delete. Only what the rights allow is there.

/** @import { EventDetail } from "../api/types.js" */
/** @import { HomeView } from "../app/home.js" */
/** @import { OpenedEvent } from "../media/event.js" */
import { errorWords } from "../app/states.js";
import { downloadMp4 } from "../media/download.js";
import { announce } from "../ui/announce.js";
import { ask } from "../ui/dialog.js";
import { button, clone, part, say, setIcon, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { clock, dayKey } from "../ui/time.js";

const MARKUP = template`
  <div class="event-actions">
    <button type="button" class="button" data-part="download" hidden><svg class="icon small" aria-hidden="true"><use href="/icons.svg#download"/></svg><span data-part="download-words">Download</span></button>
    <button type="button" class="button" data-part="keep" aria-pressed="false" hidden><svg class="icon small" aria-hidden="true"><use href="/icons.svg#bookmark"/></svg><span data-part="keep-words">Keep</span></button>
    <button type="button" class="button plain danger" data-part="delete" hidden><svg class="icon small" aria-hidden="true"><use href="/icons.svg#delete"/></svg>Delete</button>
  </div>
  <progress class="progress" data-part="progress" aria-label="Download" hidden></progress>
  <p class="note" data-part="said" hidden></p>`;

/** Fires `ks-deleted` once the Event is gone. */
export class KsEventActions extends Living {
  /** @type {{home: HomeView, opened: OpenedEvent | null, detail: EventDetail} | null} */
  #given = null;
  #downloading = false;

  start() {
    this.append(clone(MARKUP));
    this.on(button(this, "download"), "click", () => this.run(this.#download(), (error) => this.#wrong(error)));
    this.on(button(this, "keep"), "click", () => this.run(this.#keep(), (error) => this.#wrong(error)));
    this.on(button(this, "delete"), "click", () => this.run(this.#delete(), (error) => this.#wrong(error)));
  }

  /** @param {HomeView} home @param {OpenedEvent | null} opened @param {EventDetail} detail */
  show(home, opened, detail) {
    this.#given = { home, opened, detail };
    button(this, "download").hidden = !(opened && home.may("download"));
    button(this, "keep").hidden = !home.may("review");
    button(this, "delete").hidden = !home.may("delete");
    this.#kept(detail.event.kept);
  }

  /** @param {boolean} kept */
  #kept(kept) {
    const keep = button(this, "keep");
    keep.setAttribute("aria-pressed", String(kept));
    // To let go of it is to let it be deleted.
    keep.disabled = kept && !this.#given?.home.may("delete");
    setIcon(keep, kept ? "bookmark-on" : "bookmark");
    part(this, "keep-words").textContent = kept ? "Kept" : "Keep";
  }

  async #keep() {
    if (!this.#given) return;
    const { home, detail: { event } } = this.#given;
    const kept = !event.kept;
    await home.session.client.setKept(home.id, event.camera, event.event, kept, { signal: this.signal });
    this.#given.detail = { ...this.#given.detail, event: { ...event, kept } };
    this.#kept(kept);
    const words = kept ? (home.may("delete") ? "Kept. It stays until you delete it or let it go." : "Kept. It stays until an owner deletes it or lets it go.") : "No longer kept. It will be deleted when its time is over.";
    say(this, "said", words);
    announce(words);
  }

  async #download() {
    if (!this.#given?.opened || this.#downloading) return;
    const { home, opened, detail } = this.#given;
    this.#downloading = true;
    const progress = /** @type {HTMLProgressElement} */ (part(this, "progress"));
    progress.hidden = false;
    progress.removeAttribute("value");
    part(this, "download-words").textContent = "Getting it";
    try {
      const { blob, missing } = await downloadMp4({ opened, detail, signal: this.signal, onProgress: (done, total) => { progress.max = Math.max(1, total); progress.value = done; } });
      save(blob, fileName(home, opened));
      say(this, "said", missing > 0 ? `Saved, but ${missing === 1 ? "one part is" : `${missing} parts are`} missing from it: damaged, changed or not arrived.` : "Saved as an mp4. The copy is yours to look after: Keepsight can’t take it back.");
      announce("Download done");
    } finally {
      this.#downloading = false;
      progress.hidden = true;
      part(this, "download-words").textContent = "Download";
    }
  }

  async #delete() {
    if (!this.#given) return;
    const { home, detail: { event } } = this.#given;
    const sure = await ask({
      title: "Delete this Event?", danger: true, yes: "Delete", no: "Keep it", signal: this.signal,
      points: ["It is gone for everybody of this home.", "Copies that somebody has downloaded stay with them.", "It can’t be brought back."],
    });
    if (!sure) return;
    await home.session.client.deleteEvent(home.id, event.camera, event.event, { signal: this.signal });
    home.session.gone.add(event.event);
    announce("Event deleted");
    this.dispatchEvent(new Event("ks-deleted", { bubbles: true }));
  }

  /** @param {unknown} error */
  #wrong(error) { say(this, "said", errorWords(error)); }
}

/** @param {HomeView} home @param {OpenedEvent} opened */
function fileName(home, opened) {
  const name = `${dayKey(opened.captured, home.zone)} ${clock(opened.captured, home.zone).replaceAll(":", "-")} ${home.cameraName(opened.camera)}`;
  return `${name.replaceAll(/[\\/:*?"<>|\p{Cc}]/gu, "_").slice(0, 120)}.mp4`;
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const url = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

define("ks-event-actions", KsEventActions);
