// A small menu beside its button, in the top layer. Arrows move, Escape closes, focus goes back to the button.

/** @typedef {{text: string, checked?: boolean, deed: () => void}} Choice */

/**
 * @param {HTMLElement} opener
 * @param {Choice[]} choices
 * @param {(mark: HTMLElement) => void} [drawMark] draws what stands beside the checked one
 */
export function openMenu(opener, choices, drawMark) {
  const menu = document.createElement("div");
  menu.className = "menu";
  menu.popover = "auto";
  menu.role = "menu";
  const items = choices.map((choice) => item(choice, menu, drawMark));
  menu.append(...items);
  (opener.closest("dialog, .player") ?? document.body).append(menu);
  menu.addEventListener("keydown", (event) => moved(event, items));
  menu.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    menu.remove();
    opener.setAttribute("aria-expanded", "false");
    if (document.activeElement === document.body) opener.focus();
  });
  opener.setAttribute("aria-expanded", "true");
  menu.showPopover();
  place(menu, opener);
  (items[choices.findIndex(({ checked }) => checked)] ?? items[0])?.focus();
}

/** @param {Choice} choice @param {HTMLElement} menu @param {((mark: HTMLElement) => void) | undefined} drawMark */
function item({ text, checked, deed }, menu, drawMark) {
  const made = document.createElement("button");
  made.type = "button";
  made.role = checked === undefined ? "menuitem" : "menuitemradio";
  if (checked !== undefined) made.ariaChecked = String(checked);
  made.append(Object.assign(document.createElement("span"), { textContent: text }));
  if (drawMark) {
    const mark = Object.assign(document.createElement("span"), { className: "mark" });
    drawMark(mark);
    made.append(mark);
  }
  made.addEventListener("click", () => { menu.hidePopover(); deed(); });
  return made;
}

/** @param {KeyboardEvent} event @param {HTMLElement[]} items */
function moved(event, items) {
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  items[(to + items.length) % items.length].focus();
}

/** Below the button where there is room, else above; never past the edge. @param {HTMLElement} menu @param {HTMLElement} opener */
function place(menu, opener) {
  const from = opener.getBoundingClientRect();
  const { offsetWidth: w, offsetHeight: h } = menu;
  const left = Math.max(8, Math.min(from.left, innerWidth - w - 8));
  const below = from.bottom + 4 + h <= innerHeight - 8;
  menu.style.left = `${left}px`;
  menu.style.top = `${below ? from.bottom + 4 : Math.max(8, from.top - 4 - h)}px`;
}
