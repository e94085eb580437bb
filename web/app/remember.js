// The few small things kept between visits: per account, gone with it. No keys and nothing of what is sealed.

/** @param {string} account @param {string} what */
const key = (account, what) => `ks:${account}:${what}`;

/** @param {string} account @param {string} what @returns {string | null} */
export function recall(account, what) {
  try { return localStorage.getItem(key(account, what)); } catch { return null; }
}

/** @param {string} account @param {string} what @param {string | null} value */
export function remember(account, what, value) {
  try {
    if (value === null) localStorage.removeItem(key(account, what));
    else localStorage.setItem(key(account, what), value);
  } catch { /* Full or closed storage costs a convenience, nothing else. */ }
}

/** Forgets every account's things. */
export function forgetAll() {
  try {
    for (const name of Object.keys(localStorage)) if (name.startsWith("ks:")) localStorage.removeItem(name);
  } catch { /* Closed storage holds nothing of ours. */ }
}
