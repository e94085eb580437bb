// Arrow keys in a grid of links: left and right to the neighbour, up and down to the nearest in the next row. Enter is the link's own.

/**
 * @param {HTMLElement} grid
 * @param {string} selector what can be stepped to
 * @param {AbortSignal} signal
 */
export function gridKeys(grid, selector, signal) {
  grid.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const from = event.target instanceof HTMLElement ? event.target.closest(selector) : null;
    if (!(from instanceof HTMLElement)) return;
    const all = /** @type {HTMLElement[]} */ ([...grid.querySelectorAll(selector)]);
    const to = step(event.key, from, all);
    if (!to) return;
    event.preventDefault();
    to.focus();
    to.scrollIntoView({ block: "nearest" });
  }, { signal });
}

/** @param {string} key @param {HTMLElement} from @param {HTMLElement[]} all @returns {HTMLElement | undefined} */
function step(key, from, all) {
  const at = all.indexOf(from);
  switch (key) {
    case "ArrowRight": return all[at + 1];
    case "ArrowLeft": return all[at - 1];
    case "ArrowDown": return vertical(from, all.slice(at + 1), 1);
    case "ArrowUp": return vertical(from, all.slice(0, at).reverse(), -1);
    case "Home": return all[0];
    case "End": return all[all.length - 1];
    default: return undefined;
  }
}

/** The one straightest below or above, in the first row that lies there. @param {HTMLElement} from @param {HTMLElement[]} candidates @param {1 | -1} way */
function vertical(from, candidates, way) {
  const start = from.getBoundingClientRect();
  const beyond = candidates.filter((one) => way * (one.getBoundingClientRect().top - start.top) > start.height / 4);
  const row = beyond[0]?.getBoundingClientRect().top;
  const distance = (/** @type {HTMLElement} */ one) => Math.abs(one.getBoundingClientRect().left - start.left);
  return beyond.filter((one) => Math.abs(one.getBoundingClientRect().top - row) < start.height / 2).sort((a, b) => distance(a) - distance(b))[0];
}
