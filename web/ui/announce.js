// The one polite live region of the page, and an assertive one for lockdown and ended access.

/** @param {string} id @param {string} text */
function say(id, text) {
  const region = document.getElementById(id);
  if (!region) return;
  region.textContent = "";
  // A region whose text is set again in the same turn isn't read again by some screen readers.
  requestAnimationFrame(() => { region.textContent = text; });
}

/** Tells people who listen, when they next pause. @param {string} text */
export const announce = (text) => say("said", text);

/** Tells them at once. @param {string} text */
export const alarm = (text) => say("said-now", text);
