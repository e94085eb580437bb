// Adding a box: a code to type there, then waiting for its answer, comparing it, and putting the box into the home's list.

/** @import { HomeView } from "../app/home.js" */
import { errorWords } from "../app/states.js";
import { Said } from "../app/said.js";
import { addAgent } from "../crypto/chain-build.js";
import { checkAnswer, newPairing } from "../crypto/pairing.js";
import { announce } from "../ui/announce.js";
import { button, clone, part, say, template, typed } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { length } from "../ui/time.js";
import { appOf } from "./app.js";
import { KsQr } from "./qr.js";

const MARKUP = template`
  <div class="stack">
    <ol class="how">
      <li>On the computer in your home that can reach your cameras, open a terminal.</li>
      <li>Type, or paste, this line:
        <div class="command"><code id="pair-command" data-part="command"></code></div><ks-copy data-of="pair-command" data-label="Copy line"></ks-copy></li>
    </ol>
    <div class="code-box big" data-part="code-box"><span class="vh">The code: </span><span id="pair-code" data-part="code"></span></div>
    <div class="row"><ks-copy data-of="pair-code" data-label="Copy code"></ks-copy><span class="quiet" data-part="left"></span></div>
    <details class="fold" data-part="scan"><summary>Or scan it</summary><ks-qr data-part="qr"></ks-qr></details>
    <p class="note accent" data-part="state" role="status"><svg class="icon" aria-hidden="true"><use href="/icons.svg#wait"/></svg><span data-part="words">Waiting for the box to answer</span></p>
    <p class="note danger" data-part="wrong" role="alert" hidden></p>
    <p><button type="button" class="button" data-part="again" hidden>Make a new code</button></p>
  </div>`;

/** How often the answer is asked for. */
const ASK_MS = 1500;

/** Fires `ks-done` when the box belongs to the home. */
export class KsPairAgent extends Living {
  /** @type {HomeView | null} */
  home = null;

  start() {
    this.append(clone(MARKUP));
    this.on(button(this, "again"), "click", () => this.#begin());
    this.#begin();
  }

  #begin() {
    const { home } = this;
    if (!home) return;
    button(this, "again").hidden = true;
    say(this, "wrong", null);
    part(this, "state").hidden = false;
    this.run(this.#pair(home), (error) => this.#stopped(errorWords(error)));
  }

  /** @param {HomeView} home */
  async #pair(home) {
    const { client } = home.session;
    if (!home.opened) throw new Said("This home isn’t open on this device, so nothing can be added to it here.");
    const pairing = await newPairing({ open: home.opened, tls: serviceTls(this) });
    part(this, "code").textContent = pairing.code;
    typed(this, "qr", KsQr).show(pairing.code, "The code as a QR code");
    part(this, "command").textContent = `keepsight agent pair --server ${location.origin} ${pairing.code}`;
    await client.createPairing(home.id, pairing.body, { signal: this.signal });
    let { expires, answer } = await client.pairing(home.id, pairing.lookup, { signal: this.signal });
    while (!answer) {
      if (Date.now() >= expires) return this.#stopped("The code has lapsed. Nothing was added.");
      part(this, "left").textContent = `Good for ${length(expires - Date.now())}`;
      await pause(ASK_MS, this.signal);
      ({ expires, answer } = await client.pairing(home.id, pairing.lookup, { signal: this.signal }).catch((error) => waitOut(error, expires)));
    }
    part(this, "left").textContent = "";
    part(this, "words").textContent = "The box has answered. Checking it and adding it";
    const checked = await checkAnswer(pairing, answer);
    await home.change((open) => addAgent({ open, answer: checked, lookup: pairing.lookup }));
    announce("The box was added");
    this.dispatchEvent(new Event("ks-done", { bubbles: true }));
  }

  /** @param {string} words */
  #stopped(words) {
    say(this, "wrong", words);
    part(this, "state").hidden = true;
    part(this, "left").textContent = "";
    button(this, "again").hidden = false;
  }
}

/** The server's certificate as it states it, for the box to compare. @param {Element} element */
function serviceTls(element) {
  const { state } = appOf(element);
  return state.name === "open" ? state.service.tls : null;
}

/** The server may be away for a moment: the code stays good. @param {unknown} error @param {number} expires */
function waitOut(error, expires) {
  const code = error instanceof Error && "code" in error ? error.code : "";
  if (code === "offline" || code === "unavailable" || code === "too_many") return { expires, answer: null };
  throw error;
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} */
function pause(ms, signal) {
  return new Promise((done, ended) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); ended(signal.reason); }, { once: true });
  });
}

define("ks-pair-agent", KsPairAgent);
