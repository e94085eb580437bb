// The stage and its controls. What plays, decides and fails is media/player.js; here its named states become words and buttons.

/** @import { OpenedEvent } from "../media/event.js" */
/** @import { EventDetail } from "../api/types.js" */
/** @typedef {import("../media/player.js").PlayerState} PlayerState */
/** @typedef {import("../media/player.js").Notice} Notice */
import { errorWords, stateWords } from "../app/states.js";
import { startPlayer } from "../media/player.js";
import { openPreview } from "../media/preview.js";
import { alarm, announce } from "../ui/announce.js";
import { button, clone, part, setIcon, template, typed } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { openMenu } from "../ui/menu.js";
import * as time from "../ui/time.js";
import { KsScrubber } from "./scrubber.js";

const MARKUP = template`
  <div class="player" data-part="player">
    <div class="stage" data-part="stage">
      <video data-part="video" playsinline disableremoteplayback disablepictureinpicture tabindex="-1"></video>
      <button type="button" class="surface" data-part="surface" tabindex="-1" aria-hidden="true"></button>
      <div class="veil" data-part="veil"><svg class="icon" aria-hidden="true"><use href="/icons.svg#wait"/></svg><p data-part="veil-words"></p>
        <button type="button" class="button" data-part="again" hidden>Try again</button></div>
      <span class="big" data-part="big" aria-hidden="true" hidden><svg class="icon" aria-hidden="true"><use href="/icons.svg#play"/></svg></span>
    </div>
    <div class="controls" data-part="controls" role="group" aria-label="Player">
      <ks-scrubber data-part="scrubber"></ks-scrubber>
      <div class="buttons">
        <button type="button" class="icon-button" data-part="play" aria-label="Play"><svg class="icon" aria-hidden="true"><use href="/icons.svg#play"/></svg></button>
        <button type="button" class="icon-button" data-part="back" aria-label="Back 10 seconds"><svg class="icon" aria-hidden="true"><use href="/icons.svg#back10"/></svg></button>
        <button type="button" class="icon-button" data-part="forward" aria-label="Forward 10 seconds"><svg class="icon" aria-hidden="true"><use href="/icons.svg#forward10"/></svg></button>
        <button type="button" class="icon-button" data-part="frame-back" aria-label="One frame back"><svg class="icon" aria-hidden="true"><use href="/icons.svg#frame-back"/></svg></button>
        <button type="button" class="icon-button" data-part="frame-forward" aria-label="One frame forward"><svg class="icon" aria-hidden="true"><use href="/icons.svg#frame-forward"/></svg></button>
        <span class="clock figures"><time data-part="clock"></time> <span data-part="position"></span></span>
        <button type="button" class="icon-button text" data-part="speed" aria-haspopup="menu" aria-label="Speed 1×">1×</button>
        <button type="button" class="icon-button" data-part="mute" aria-pressed="true" aria-label="Sound off"><svg class="icon" aria-hidden="true"><use href="/icons.svg#mute"/></svg></button>
        <button type="button" class="icon-button" data-part="full" aria-label="Full screen"><svg class="icon" aria-hidden="true"><use href="/icons.svg#fullscreen"/></svg></button>
      </div>
    </div>
    <ul class="told" role="list" data-part="told" hidden></ul>
  </div>`;

const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 4];

export class KsPlayer extends Living {
  /** @type {ReturnType<typeof startPlayer> | null} */
  #player = null;
  /** @type {OpenedEvent | null} */
  #opened = null;
  #zone = "UTC";
  /** Nothing more of it will come. */
  #complete = true;
  /** @type {{release(): void} | null} */
  #preview = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #slow;

  start() {
    this.append(clone(MARKUP));
    const { video } = this;
    video.muted = true;
    for (const type of ["timeupdate", "seeking", "seeked"]) this.on(video, type, () => this.#tick());
    for (const type of ["play", "pause", "ended"]) this.on(video, type, () => this.#playing());
    this.on(button(this, "play"), "click", () => this.toggle());
    this.on(button(this, "surface"), "click", () => this.toggle());
    this.on(button(this, "back"), "click", () => this.skip(-10));
    this.on(button(this, "forward"), "click", () => this.skip(10));
    this.on(button(this, "frame-back"), "click", () => this.#player?.step(-1));
    this.on(button(this, "frame-forward"), "click", () => this.#player?.step(1));
    this.on(button(this, "mute"), "click", () => this.mute());
    this.on(button(this, "full"), "click", () => this.full());
    this.on(button(this, "speed"), "click", () => this.#chooseSpeed());
    this.on(this, "ks-seek", (/** @type {CustomEvent} */ { detail }) => this.#player?.seek(detail));
    this.on(document, "fullscreenchange", () => this.#fullChanged());
  }

  stop() {
    clearTimeout(this.#slow);
    this.#player?.end();
    this.#preview?.release();
  }

  /** @returns {HTMLVideoElement} */
  get video() { return typed(this, "video", HTMLVideoElement); }

  /** Begins to play an Event that was opened. @param {OpenedEvent} opened @param {EventDetail} detail @param {string} zone */
  show(opened, detail, zone) {
    this.#player?.end();
    this.#started = false;
    this.#opened = opened;
    this.#complete = detail.event.complete;
    this.#zone = zone;
    const scrubber = typed(this, "scrubber", KsScrubber);
    scrubber.words = (ms) => time.clock(opened.captured + ms, zone);
    this.#player = startPlayer({
      video: this.video, opened, detail, signal: this.signal,
      onState: (state) => this.#state(state), onNotice: (notice) => this.#notice(notice),
      onTimeline: (timeline) => { scrubber.timeline = timeline; this.#tick(); },
    });
    this.#wantStrip(detail);
  }

  /** Says something that stays below the video. @param {string} words */
  tell(words) {
    const told = part(this, "told");
    if (!words || [...told.children].some(({ textContent }) => textContent === words)) return;
    told.hidden = false;
    told.append(Object.assign(document.createElement("li"), { textContent: words }));
    announce(words);
  }

  /** More of it has come. @param {EventDetail} detail */
  renew(detail) {
    this.#complete = detail.event.complete;
    this.#player?.update(detail);
    this.#wantStrip(detail);
  }

  /** Says on the stage what could not be shown. @param {string} words @param {string} drawing @param {(() => void) | null} [again] */
  refuse(words, drawing, again = null) {
    this.video.hidden = true;
    part(this, "controls").inert = true;
    this.#veil(words, drawing);
    this.#playing();
    button(this, "again").hidden = !again;
    if (again) this.on(button(this, "again"), "click", again, { once: true });
  }

  toggle() {
    const { video } = this;
    if (video.hidden || !this.#player) return;
    if (video.paused || video.ended) this.#player.play();
    else this.#player.pause();
  }

  /** @param {number} seconds */
  skip(seconds) { this.#player?.seek(Math.max(0, Math.min(this.video.duration || 0, this.video.currentTime + seconds))); }

  /** @param {1 | -1} frames */
  step(frames) { this.#player?.step(frames); }

  mute() {
    const { video } = this;
    video.muted = !video.muted;
    const mute = button(this, "mute");
    mute.setAttribute("aria-pressed", String(video.muted));
    setIcon(mute, video.muted ? "mute" : "sound");
  }

  full() {
    if (document.fullscreenElement) return void document.exitFullscreen();
    const player = part(this, "player");
    if (player.requestFullscreen) this.run(player.requestFullscreen().then(() => {}), () => {});
    else /** @type {{webkitEnterFullscreen?: () => void}} */ (/** @type {unknown} */ (this.video)).webkitEnterFullscreen?.();
  }

  /** @param {EventDetail} detail */
  #wantStrip(detail) {
    const there = detail.segments.some(({ kind }) => kind === "preview");
    if (this.#opened && there && !this.#preview) this.run(this.#strip(this.#opened), () => { /* No strip: the thumb has no still above it, and that is all. */ });
  }

  /** @param {OpenedEvent} opened */
  async #strip(opened) {
    const strip = await openPreview({ opened, signal: this.signal });
    if (this.signal.aborted) return strip.release();
    this.#preview = strip;
    typed(this, "scrubber", KsScrubber).preview = strip;
  }

  /** @param {PlayerState} state */
  #state(state) {
    clearTimeout(this.#slow);
    button(this, "again").hidden = true;
    switch (state.name) {
      case "getting": return this.#later("Getting the video", 1000);
      case "opening": return this.#later("Opening it on this device", 1000);
      case "waiting": return this.#later(this.#complete ? "Getting more" : "Still recording. More comes in a moment", 1000);
      case "ready": return this.#ready();
      case "over": return this.#clear();
      case "ended": case "lockdown": case "signed_out":
        this.cut(stateWords(state.name));
        return alarm(stateWords(state.name));
      case "locked": return this.cut(stateWords("locked"), "lock");
      case "did_not_belong": return this.cut("This did not belong to this home and is not shown. Please tell whoever runs this server.", "warn");
      case "not_playable": return this.cut("This browser can’t play this video. You can still download it.", "warn");
      case "damaged": return this.cut("This Event could not be opened. It may be damaged or changed.", "damaged");
      case "offline": case "unavailable": return this.refuse(stateWords(state.name), "offline", () => this.dispatchEvent(new Event("ks-again", { bubbles: true })));
      case "not_allowed": return this.cut(stateWords("not_allowed"), "lock");
      case "chain_refused": case "fault": return this.cut(errorWords(state.error), "warn");
    }
  }

  #ready() {
    this.#clear();
    this.dispatchEvent(new Event("ks-opened", { bubbles: true }));
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches && this.video.paused && !this.#started) this.#player?.play();
    this.#started = true;
    this.#playing();
  }

  #started = false;

  #clear() {
    part(this, "veil").hidden = true;
    this.video.hidden = false;
    part(this, "controls").inert = false;
    this.#playing();
  }

  /** Nothing more is shown: the picture goes too. @param {string} words @param {string} [drawing] */
  cut(words, drawing = "lock") {
    this.#player?.end();
    this.#preview?.release();
    typed(this, "scrubber", KsScrubber).preview = null;
    this.refuse(words, drawing);
  }

  /** @param {string} words @param {number} wait */
  #later(words, wait) {
    this.#slow = setTimeout(() => this.#veil(words, "wait"), wait);
  }

  /** @param {string} words @param {string} drawing */
  #veil(words, drawing) {
    const veil = part(this, "veil");
    veil.hidden = false;
    setIcon(veil, drawing);
    part(this, "veil-words").textContent = words;
    part(this, "big").hidden = true;
  }

  /** Known and told, once each: what could not be opened or is not there. @param {Notice} notice */
  #notice({ kind, from_s, until_s }) { this.tell(this.#noticeWords(kind, from_s * 1000, until_s * 1000)); }

  /** @param {Notice["kind"]} kind @param {number} from @param {number} until */
  #noticeWords(kind, from, until) {
    const at = this.#opened?.captured ?? 0;
    const stretch = `${time.clock(at + from, this.#zone)} to ${time.clock(at + until, this.#zone)}`;
    switch (kind) {
      case "part_damaged": return `${stretch}: this part could not be opened. It may be damaged or changed. The rest still plays.`;
      case "part_did_not_belong": return `${stretch}: this part did not belong to this Event and is not shown. Please tell whoever runs this server.`;
      case "part_missing": return `${stretch}: this part has not arrived. The rest still plays.`;
      case "sound_left_out": return "The sound of this Event could not be opened, or is not complete. It plays without.";
      case "card_damaged": return "What was seen in this Event could not be read. The video still plays.";
      // Over a part that has just been told.
      case "jumped": return "";
      default: return "A part of this Event can’t be shown. The rest still plays.";
    }
  }

  #tick() {
    const { video } = this;
    const seconds = video.currentTime;
    typed(this, "scrubber", KsScrubber).at = seconds;
    if (!this.#opened) return;
    part(this, "clock").textContent = time.clock(this.#opened.captured + seconds * 1000, this.#zone);
    const all = this.#player?.timeline?.duration_ms ?? 0;
    part(this, "position").textContent = all ? `${time.length(seconds * 1000)} of ${time.length(all)}` : "";
  }

  #playing() {
    const { video } = this;
    const playing = !video.paused && !video.ended && !video.hidden;
    const play = button(this, "play");
    const again = video.ended;
    setIcon(play, playing ? "pause" : again ? "again" : "play");
    play.setAttribute("aria-label", playing ? "Pause" : again ? "Play again" : "Play");
    part(this, "big").hidden = playing || video.hidden || !part(this, "veil").hidden;
  }

  #chooseSpeed() {
    const speed = button(this, "speed");
    const words = (/** @type {number} */ x) => `${x}×`;
    openMenu(speed, SPEEDS.map((x) => ({
      text: x === 1 ? "Normal" : words(x), checked: this.video.playbackRate === x,
      deed: () => {
        this.#player?.speed(x);
        speed.textContent = words(x);
        speed.setAttribute("aria-label", `Speed ${words(x)}`);
      },
    })));
  }

  #fullChanged() {
    const on = document.fullscreenElement !== null;
    setIcon(button(this, "full"), on ? "window" : "fullscreen");
    button(this, "full").setAttribute("aria-label", on ? "Leave full screen" : "Full screen");
  }
}

define("ks-player", KsPlayer);
