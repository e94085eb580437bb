// Real paths over the History API. Each history entry keeps where the reader was; who draws a page decides when to go back there.

/** @typedef {{ name: string, params: Record<string, string>, path: string }} Place */
/** @typedef {{ scroll?: number, loaded?: number, tile?: string }} Kept what a history entry remembers */

const ROUTES = /** @type {const} */ ([
  ["start", "/"], ["set-up", "/set-up"], ["sign-up", "/sign-up"], ["sign-in", "/sign-in"], ["join", "/join"], ["recover", "/recover"],
  ["unlock", "/unlock"], ["events", "/events"], ["event", "/events/:home/:camera/:event"], ["cameras", "/cameras"],
  ["people", "/people"], ["views", "/views"], ["account", "/account"], ["home", "/home"], ["pair", "/pair"],
]);

/**
 * Which page a path names; `missing` for none.
 * @param {string} path
 * @returns {Place}
 */
export function placeOf(path) {
  const steps = path.replace(/\/+$/, "").split("/");
  for (const [name, pattern] of ROUTES) {
    const params = match(pattern.replace(/\/+$/, "").split("/"), steps);
    if (params) return { name, params, path };
  }
  return { name: "missing", params: {}, path };
}

/** @param {string[]} pattern @param {string[]} steps */
function match(pattern, steps) {
  if (pattern.length !== steps.length) return null;
  /** @type {Record<string, string>} */
  const params = {};
  for (const [index, wanted] of pattern.entries()) {
    if (wanted.startsWith(":")) params[wanted.slice(1)] = steps[index];
    else if (wanted !== steps[index]) return null;
  }
  return params;
}

/** Tells of each change of place: `detail` is `{back: boolean}`. */
export const places = new EventTarget();

/** Where we are. */
export const here = () => placeOf(location.pathname);

/** What this history entry remembers. @returns {Kept} */
export const kept = () => history.state?.kept ?? {};

/** Adds to what this history entry remembers. @param {Kept} more */
export function keep(more) {
  history.replaceState({ kept: { ...kept(), ...more } }, "");
}

/**
 * Goes to another page of this client.
 * @param {string} to a path with query and fragment
 * @param {{replace?: boolean}} [how] replace: the entry that we leave is not worth coming back to
 */
export function go(to, { replace = false } = {}) {
  if (!replace) keep({ scroll: scrollY });
  history[replace ? "replaceState" : "pushState"]({}, "", to);
  places.dispatchEvent(new CustomEvent("place", { detail: { back: false } }));
}

/** @param {MouseEvent} event */
function clicked(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!(anchor instanceof HTMLAnchorElement) || anchor.target || anchor.hasAttribute("download")) return;
  const to = new URL(anchor.href);
  if (to.origin !== location.origin || placeOf(to.pathname).name === "missing") return;
  event.preventDefault();
  if (to.href !== location.href) go(to.pathname + to.search + to.hash);
}

/** Takes over links and the back button. */
export function startRouter() {
  history.scrollRestoration = "manual";
  document.addEventListener("click", clicked);
  addEventListener("popstate", () => places.dispatchEvent(new CustomEvent("place", { detail: { back: true } })));
  addEventListener("pagehide", () => keep({ scroll: scrollY }));
}
