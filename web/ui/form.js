// A form that waits: one submission at a time, the button says so, and what went wrong stands above it in words.

import { errorWords } from "../app/states.js";

/**
 * @param {HTMLFormElement} form with a submit button and an element `data-part="wrong"`
 * @param {AbortSignal} signal
 * @param {(data: (name: string) => string, form: HTMLFormElement) => Promise<void>} deed
 */
export function onSubmit(form, signal, deed) {
  let busy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    const values = new FormData(form);
    setBusy(form, true);
    wrong(form, "");
    try {
      await deed((name) => String(values.get(name) ?? ""), form);
    } catch (error) {
      if (!signal.aborted) wrong(form, errorWords(error));
    } finally {
      busy = false;
      if (!signal.aborted) setBusy(form, false);
    }
  }, { signal });
}

/** @param {HTMLFormElement} form @param {boolean} busy */
function setBusy(form, busy) {
  form.toggleAttribute("data-busy", busy);
  for (const button of form.querySelectorAll('button[type="submit"]')) {
    // Not `disabled`: the focus would be lost.
    button.setAttribute("aria-disabled", String(busy));
    button.setAttribute("aria-busy", String(busy));
  }
}

/** Shows what went wrong, or takes it away. @param {HTMLFormElement} form @param {string} words */
export function wrong(form, words) {
  const where = form.querySelector('[data-part="wrong"]');
  if (!(where instanceof HTMLElement)) return;
  where.hidden = !words;
  where.textContent = words;
  if (!words) return;
  where.tabIndex = -1;
  where.focus();
}
