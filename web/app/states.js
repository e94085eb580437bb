// What each state of trouble is called, and what one can do. The states themselves are made by media/state.js.

import { stateOf } from "../media/state.js";

/** @typedef {ReturnType<typeof stateOf>} MediaState */

/**
 * A sentence for people about a thing that could not be shown or done.
 * @param {MediaState} state
 * @param {unknown} [error] its message is used where it says more
 * @returns {string}
 */
export function stateWords(state, error) {
  const message = error instanceof Error ? error.message : "";
  switch (state) {
    case "locked": return "This Event is locked on this device. Open it on a device you already use.";
    case "damaged": return "This could not be opened. It may be damaged or changed.";
    case "did_not_belong": return "One item did not belong to this home and was not shown. Please tell whoever runs this server.";
    case "ended": return "You no longer have access to this. Ask an owner of the home.";
    case "lockdown": return "Your home is in lockdown. No one can open videos until it ends.";
    case "offline": return "The server can’t be reached. Check your connection; this page tries again by itself.";
    case "unavailable": return "The server can’t check right now who may see what, so it shows nothing. It tries again shortly.";
    case "signed_out": return "You are signed out. Sign in again to go on.";
    case "not_allowed": return "You may not do this. Ask an owner of the home.";
    case "chain_refused": return message || "What the server says about who belongs to this home can’t be right, so nothing is shown.";
    case "fault": return "Something went wrong here. Try again; if it stays, reload the page.";
    default: return message || "Something went wrong here.";
  }
}

/**
 * The same, straight from an error. What the server and the sealed side refuse comes with words of its own.
 * @param {unknown} error
 */
export function errorWords(error) {
  const state = stateOf(error);
  const own = error instanceof Error && ("code" in error || "kind" in error) ? error.message : "";
  switch (state) {
    case "offline": case "unavailable": case "lockdown": return stateWords(state);
    default:
      if (!own) console.error(error);
      return own || stateWords(state, error);
  }
}
