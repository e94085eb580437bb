// Questions that need an answer before anything happens. Focus begins on the safe button and returns to where it was.

import { button, clone, part, template } from "./dom.js";

const MARKUP = template`
  <dialog class="sheet" aria-labelledby="dialog-title">
    <form method="dialog">
      <h2 id="dialog-title" data-part="title"></h2>
      <p data-part="text"></p>
      <ul class="says" data-part="list"></ul>
      <div class="actions">
        <button class="button" value="no" data-part="no" autofocus></button>
        <button class="button" value="yes" data-part="yes"></button>
      </div>
    </form>
  </dialog>`;

/**
 * Asks; true when the person agrees.
 * @param {{title: string, text?: string, points?: string[], yes: string, no?: string, danger?: boolean, signal?: AbortSignal}} given
 * @returns {Promise<boolean>}
 */
export function ask({ title, text, points = [], yes, no = "Cancel", danger = false, signal }) {
  const copy = clone(MARKUP);
  part(copy, "title").textContent = title;
  part(copy, "text").textContent = text ?? "";
  part(copy, "text").hidden = !text;
  const list = part(copy, "list");
  list.hidden = points.length === 0;
  list.append(...points.map((point) => Object.assign(document.createElement("li"), { textContent: point })));
  button(copy, "no").textContent = no;
  const agree = button(copy, "yes");
  agree.textContent = yes;
  agree.classList.add(danger ? "danger" : "primary");
  const dialog = /** @type {HTMLDialogElement} */ (copy.querySelector("dialog"));
  return shown(dialog, signal).then((value) => value === "yes");
}

/**
 * Shows a dialog of one's own until it is closed; what it answers.
 * @param {HTMLDialogElement} dialog
 * @param {AbortSignal} [signal]
 * @returns {Promise<string>}
 */
export function shown(dialog, signal) {
  const opener = document.activeElement;
  document.body.append(dialog);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => {
    signal?.addEventListener("abort", () => dialog.close(""), { once: true });
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus({ preventScroll: true });
      answer(dialog.returnValue);
    }, { once: true });
  });
}
