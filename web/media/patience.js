// Trying again while the way is down. What is refused or damaged is not tried again.

import { Backoff, wait } from '../api/backoff.js'
import { ApiError } from '../api/errors.js'
import { passes } from './state.js'

/**
 * @template T
 * @param {() => Promise<T>} act @param {AbortSignal} signal
 * @param {(error: unknown) => void} onTrouble told each time; told null once it is over
 * @returns {Promise<T>}
 */
export async function patiently(act, signal, onTrouble) {
  const backoff = new Backoff()
  for (;;) {
    try {
      const done = await act()
      onTrouble(null)
      return done
    } catch (error) {
      if (signal.aborted || !passes(error)) throw error
      onTrouble(error)
      await wait(backoff.next(error instanceof ApiError ? error.retryAfterMs : null), signal)
    }
  }
}
