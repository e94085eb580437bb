// Waiting before the next try: uniformly random between nothing and a bound that doubles ("full jitter"), never shorter than what the
// server asked for.

const FIRST_MS = 500
const MOST_MS = 30_000

export class Backoff {
  failures = 0

  /** After a success. */
  reset() {
    this.failures = 0
  }

  /** @param {number|null} [atLeastMs] what the server asked for @returns {number} milliseconds */
  next(atLeastMs) {
    const bound = Math.min(MOST_MS, FIRST_MS * 2 ** this.failures)
    this.failures = Math.min(this.failures + 1, 16)
    return (atLeastMs ?? 0) + Math.random() * bound
  }
}

/**
 * @param {number} ms @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function wait(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const timer = setTimeout(done, ms)
    function done() {
      signal?.removeEventListener('abort', stop)
      resolve()
    }
    function stop() {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', stop, { once: true })
  })
}
