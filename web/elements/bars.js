// What is true of the whole home stands above every page: lockdown, access that ended, a chain that was refused, a server out of reach.

/** @import { HomeView } from "../app/home.js" */
import { alarm, announce } from "../ui/announce.js";
import { clone, part, setIcon, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { stateWords } from "../app/states.js";
import { appOf } from "./app.js";

const MARKUP = template`
  <div class="bar" data-part="bar" hidden><svg class="icon" aria-hidden="true"><use href="/icons.svg#warn"/></svg><span data-part="words"></span>
    <a class="button" href="/home" data-part="settings">Home settings</a><a class="button" href="/events" data-part="next">What you can do</a></div>`;

/** A reconnect that takes no longer than this isn't worth telling. */
const PATIENCE_MS = 2500;

class KsBars extends Living {
  #said = "";
  #waitingSince = 0;

  start() {
    this.append(clone(MARKUP));
    const { session } = appOf(this);
    if (!session) return;
    this.on(session, "change", () => this.#draw(session.current));
    this.#draw(session.current);
  }

  /** @param {HomeView | null} home */
  #draw(home) {
    const state = home ? this.#stateOf(home) : null;
    const bar = part(this, "bar");
    bar.hidden = !state;
    part(this, "settings").hidden = !(home?.lockdown && home.owner && !home.ended);
    part(this, "next").hidden = !(home?.ended && home.session.homes.every(({ ended }) => ended));
    bar.classList.toggle("danger", state?.urgent ?? false);
    part(this, "words").textContent = state?.words ?? "";
    setIcon(bar, state?.icon ?? "warn");
    if (state && state.words !== this.#said) (state.urgent ? alarm : announce)(state.words);
    this.#said = state?.words ?? "";
  }

  /** @param {HomeView} home @returns {{words: string, urgent: boolean, icon: string} | null} */
  #stateOf(home) {
    if (home.ended) return { words: `You no longer have access to ${home.name}. Ask an owner of the home.`, urgent: true, icon: "lock" };
    if (home.lockdown) return { words: "Your home is in lockdown. No one can open videos until it ends.", urgent: true, icon: "lock" };
    if (home.trouble) return { words: home.trouble === "locked" ? "This home is locked on this device. Open it on a device you already use." : stateWords(home.trouble, new Error(home.troubleWords)), urgent: home.trouble === "chain_refused", icon: "warn" };
    if (home.link === "open") { this.#waitingSince = 0; return null; }
    this.#waitingSince ||= Date.now();
    if (Date.now() - this.#waitingSince >= PATIENCE_MS) return { words: "The server is not reached. What you see may be old; it tries again by itself.", urgent: false, icon: "offline" };
    const later = setTimeout(() => this.#draw(home), PATIENCE_MS);
    this.signal.addEventListener("abort", () => clearTimeout(later), { once: true });
    return null;
  }
}

define("ks-bars", KsBars);
