// Assertions that read the same in node and in a browser.

/** @param {unknown} value @param {string} [what] @returns {asserts value} */
export function ok(value, what = 'expected it to hold') {
  if (!value) throw new Error(what)
}

/** @param {unknown} found @param {unknown} wanted @param {string} [what] equal by their JSON */
export function same(found, wanted, what = '') {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`${what} expected ${b}, found ${a}`)
}

/**
 * The error that something is refused with.
 * @param {Promise<unknown>|(() => unknown)} act @param {string} [what]
 * @returns {Promise<any>}
 */
export async function refused(act, what = '') {
  try {
    await (typeof act === 'function' ? act() : act)
  } catch (error) {
    return error
  }
  throw new Error(`${what} expected a refusal`)
}

/** @param {Promise<unknown>|(() => unknown)} act @param {string} kind of `Refusal`, or an ApiError's code, or an error's name @param {string} [reason] of a ChainRefused */
export async function refusedAs(act, kind, reason) {
  const error = await refused(act, kind)
  const code = typeof error.code === 'string' ? error.code : undefined
  same(error.kind ?? code ?? error.name, kind, `${error.stack}\n`)
  if (reason !== undefined) same(error.reason, reason, String(error.detail))
  return error
}

/** Polls until it holds; a bound so that a test ends. @param {() => unknown} condition @param {string} what */
export async function until(condition, what) {
  const end = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
