// Which home the pages show. With one home it is its name; with several, a menu.

/** @import { Session } from "../app/session.js" */
import { button, clone, icon, part, template } from "../ui/dom.js";
import { define, Living } from "../ui/element.js";
import { openMenu } from "../ui/menu.js";
import { go, here } from "../ui/router.js";
import { appOf } from "./app.js";

const MARKUP = template`
  <p class="home-name" data-part="only"><svg class="icon" aria-hidden="true"><use href="/icons.svg#home"/></svg><span data-part="name"></span></p>
  <button type="button" class="home-name" data-part="open" aria-haspopup="menu" hidden><svg class="icon" aria-hidden="true"><use href="/icons.svg#home"/></svg>
    <span data-part="chosen"></span><svg class="icon small" aria-hidden="true"><use href="/icons.svg#down"/></svg><span class="vh">Choose a home</span></button>`;

class KsHomeSwitch extends Living {
  start() {
    this.append(clone(MARKUP));
    const { session } = appOf(this);
    if (!session) return;
    this.on(session, "change", () => this.#draw(session));
    this.on(button(this, "open"), "click", () => this.#choose(session));
    this.#draw(session);
  }

  /** @param {Session} session */
  #draw(session) {
    const name = session.current?.name ?? "";
    const several = session.homes.length > 1;
    part(this, "only").hidden = several || !name;
    part(this, "open").hidden = !several;
    part(this, "name").textContent = name;
    part(this, "chosen").textContent = name;
  }

  /** @param {Session} session */
  #choose(session) {
    openMenu(button(this, "open"), session.homes.map((home) => ({
      text: home.name, checked: home === session.current,
      deed: () => {
        session.choose(home.id);
        go(here().name === "event" ? "/events" : here().path, { replace: true });
      },
    })), (mark) => mark.append(icon("check", "small")));
  }
}

define("ks-home-switch", KsHomeSwitch);
