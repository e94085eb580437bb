// A home's updates as they happen. The stream may break at any time: it is opened again after a jittered wait, until access ended, viewing
// was stopped or somebody signed out. Updates are hints to read again; nothing is disclosed by them alone.

import { Backoff, wait } from './backoff.js'
import { ApiError } from './errors.js'
import { addressOf, path } from './request.js'

/**
 * @typedef {import('./types.js').Update} Update
 * @typedef {'ended'|'lockdown'|'signed_out'} Ending
 * @typedef {{ signal: AbortSignal, onUpdate: (update: Update) => void, onState?: (state: 'open'|'waiting') => void }} Watcher
 */

/**
 * @param {import('./client.js').Client} client @param {string} home @param {Watcher} watcher
 * @returns {Promise<Ending>} why there will be no more
 * @throws {unknown} the signal's reason, once aborted
 */
export async function watchUpdates(client, home, watcher) {
  const backoff = new Backoff()
  for (;;) {
    const ending = await oneStream(client, home, watcher, backoff)
    // The stream says that it ended; whether access did or this sign-in, an ordinary request tells.
    if (ending === 'ended') return (await whyRefused(client, home, watcher.signal)) ?? ending
    if (ending) return ending
    watcher.onState?.('waiting')
    await wait(backoff.next(), watcher.signal)
    const found = await whyRefused(client, home, watcher.signal)
    if (found) return found
  }
}

/**
 * @param {import('./client.js').Client} client @param {string} home @param {Watcher} watcher @param {Backoff} backoff
 * @returns {Promise<Ending|null>} null when the stream broke
 */
function oneStream(client, home, { signal, onUpdate, onState }, backoff) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const source = new client.EventSource(addressOf(client.way, path`/homes/${home}/updates`, {}))
    /** @param {Ending|null} ending */
    const end = (ending) => {
      source.close()
      signal.removeEventListener('abort', abort)
      resolve(ending)
    }
    const abort = () => {
      source.close()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    source.addEventListener('error', () => end(null)) // its own reconnecting has no jitter and no end
    source.addEventListener('update', (message) => {
      const update = read(message.data)
      if (!update) return
      if (update.kind === 'ended' || update.kind === 'lockdown') return end(update.kind)
      if (update.kind === 'hello') {
        backoff.reset()
        onState?.('open')
      }
      onUpdate(update)
    })
  })
}

/** An EventSource does not say why it was refused: an ordinary request does. @param {import('./client.js').Client} client @param {string} home @param {AbortSignal} signal @returns {Promise<Ending|null>} */
async function whyRefused(client, home, signal) {
  try {
    return (await client.home(home, { signal })).lockdown ? 'lockdown' : null
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const endings = /** @type {Record<string, Ending>} */ ({ not_found: 'ended', not_allowed: 'ended', sign_in_needed: 'signed_out', lockdown: 'lockdown' })
    return endings[error.code] ?? null
  }
}

/** @param {string} data @returns {Update|null} null for what a later server may add */
function read(data) {
  try {
    const update = JSON.parse(data)
    return ['hello', 'event', 'home', 'ended', 'lockdown'].includes(update?.kind) ? update : null
  } catch {
    return null
  }
}
