// Which page stands at a place in a state. Pure: a table and a switch.

/** @import { AppState } from "./app.js" */
/** @import { Place } from "../ui/router.js" */
/** @import { Service } from "../api/types.js" */

/** @typedef {{page: string, frame: "gate" | "shell"} | {to: string}} Decision */

/** Pages of the shell, by the name of their place. @type {Record<string, string>} */
const SHELL = {
  events: "ks-events-page", event: "ks-event-page", cameras: "ks-cameras-page", people: "ks-people-page", views: "ks-views-page",
  account: "ks-account-page", home: "ks-home-page", pair: "ks-pair-page",
};

/** Pages that stand alone. @type {Record<string, string>} */
const GATE = { "sign-in": "ks-sign-in-page", "sign-up": "ks-sign-up-page", "set-up": "ks-set-up-page", recover: "ks-recover-page", join: "ks-join-page" };

/**
 * @param {AppState} state
 * @param {Place} place
 * @param {{search: string}} address
 * @returns {Decision}
 */
export function decide(state, place, { search }) {
  if (place.name === "missing") return gate("ks-missing-page");
  switch (state.name) {
    case "starting": return gate("ks-starting-page");
    case "offline": return gate("ks-offline-page");
    case "leaving": return gate(state.error ? "ks-not-out-page" : "ks-leaving-page");
    case "signed_out": return signedOut(state.service, place);
    case "locked": return place.name === "join" || place.name === "recover" ? gate(GATE[place.name]) : gate("ks-unlock-page");
    case "open": return open(state.session.homes.some(({ ended }) => !ended), place, search);
  }
}

/** @param {string} page @returns {Decision} */
const gate = (page) => ({ page, frame: "gate" });

/** @param {Service} service @param {Place} place @returns {Decision} */
function signedOut(service, place) {
  if (service.setup_needed && place.name !== "join") return gate("ks-set-up-page");
  if (place.name === "sign-up" && service.sign_up === "open") return gate("ks-set-up-page");
  const page = GATE[place.name];
  if (page) return gate(page);
  const next = place.name === "start" ? "" : `?next=${encodeURIComponent(place.path)}`;
  return { to: `/sign-in${next}` };
}

/** @param {boolean} homes whether there is one to show @param {Place} place @param {string} search @returns {Decision} */
function open(homes, place, search) {
  if (place.name === "join" || place.name === "set-up") return gate(GATE[place.name]);
  if (place.name === "account") return { page: SHELL.account, frame: "shell" };
  if (!homes) return place.name === "sign-up" ? { to: "/set-up" } : gate("ks-no-home-page");
  const page = SHELL[place.name];
  return page ? { page, frame: "shell" } : { to: place.name === "sign-in" ? nextOf(search) : "/events" };
}

/** Where the reader wanted to go before signing in; only ever a path of this client. @param {string} search */
function nextOf(search) {
  const next = new URLSearchParams(search).get("next") ?? "/events";
  return next.startsWith("/") && !next.startsWith("//") && !next.includes("\\") && !next.startsWith("/sign-in") ? next : "/events";
}

/**
 * Whom a demo's link signs in: on a demo, and nobody who is signed in.
 * @param {AppState} state @param {string} fragment without its #
 */
export function demoSignIn(state, fragment) {
  if (state.name !== "signed_out" || state.service.demo !== true || !fragment.startsWith("demo=")) return null;
  const [name, ...password] = fragment.slice("demo=".length).split(":");
  return { name, password: password.join(":") };
}
