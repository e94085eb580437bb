// The keyboard on an Event: space, arrows, frames, F, M, j and k, Escape. Never with modifiers, never where somebody types, never under a dialog.

/** @typedef {{toggle(): void, skip(seconds: number): void, step(frames: 1 | -1): void, mute(): void, full(): void, earlier(): void, later(): void, back(): void}} Deeds */

const ARROW_S = 5;

/** @param {Deeds} deeds @param {AbortSignal} signal */
export function playerKeys(deeds, signal) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (document.querySelector("dialog[open], .menu:popover-open") || typing(event.target)) return;
    // Space on a button is that button's.
    if (event.key === " " && event.target instanceof Element && event.target.closest("button, a, summary")) return;
    const deed = deedOf(event.key, deeds);
    if (!deed) return;
    event.preventDefault();
    deed();
  }, { signal });
}

/** @param {string} key @param {Deeds} deeds @returns {(() => void) | null} */
function deedOf(key, deeds) {
  switch (key) {
    case " ": return () => deeds.toggle();
    case "ArrowLeft": return () => deeds.skip(-ARROW_S);
    case "ArrowRight": return () => deeds.skip(ARROW_S);
    case ",": return () => deeds.step(-1);
    case ".": return () => deeds.step(1);
    case "f": return () => deeds.full();
    case "m": return () => deeds.mute();
    case "j": return () => deeds.earlier();
    case "k": return () => deeds.later();
    case "Escape": return document.fullscreenElement ? null : () => deeds.back();
    default: return null;
  }
}

/** @param {EventTarget | null} target */
function typing(target) {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches('textarea, select, input:not([type="range"], [type="checkbox"], [type="button"])');
}
