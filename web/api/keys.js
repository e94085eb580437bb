// Other keys for an account, in it and in every home that opens here: one request, all of it or nothing. There is no half-way to be interrupted at;
// a home that cannot take part keeps the old keys, and gets the new ones when it opens here next.

import { handOver } from '../crypto/chain-build.js'
import { Refusal } from '../crypto/errors.js'
import { replacement } from '../crypto/new-keys.js'
import { ApiError } from './errors.js'
import { isUnknown } from './once.js'
import { aroundEpoch, loadHome } from './home.js'

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('../crypto/new-keys.js').NewKeys} NewKeys
 * @typedef {{ home: string, state: 'reading'|'ready'|'left', error?: unknown }} Progress
 */

/** A home may change at the same moment; so often in a row only when something is wrong. */
const TRIES = 4
/** What says that a home cannot take part now; anything else is a reason to stop. */
const ITS_OWN = ['not_found', 'not_allowed', 'gone']

/**
 * @param {Client} client
 * @param {{ made: NewKeys, old: NewKeys['keys'], pins: import('../crypto/pins.js').Pins, signal?: AbortSignal, onHome?: (progress: Progress) => void }} given
 * @returns {Promise<{ account: import('./types.js').Account, left: string[], named: string[] }>} `named` are the account's homes,
 *   and `left` those of them that keep the old keys for now
 * @throws {ApiError} nothing was done, or when the server stayed unreached it is not known
 */
export async function replaceKeys(client, given) {
  for (let tries = TRIES; ; tries -= 1) {
    const { homes, left } = await handOvers(client, given)
    const body = await replacement({ made: given.made, old: given.old, homes })
    given.signal?.throwIfAborted()
    try {
      return { account: await sent(client, body), left, named: [...homes.map(({ home }) => home), ...left] }
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 'conflict') || tries === 1) throw error
    }
  }
}

/** @param {Client} client @param {Parameters<typeof replaceKeys>[1]} given */
async function handOvers(client, { made, old, pins, signal, onHome = () => {} }) {
  const options = { ...(signal && { signal }) }
  const [homes, left] = [/** @type {import('./types.js').HomeHandOver[]} */ ([]), /** @type {string[]} */ ([])]
  for (const row of await client.homes(options)) {
    const { home } = row
    onHome({ home, state: 'reading' })
    try {
      const open = await loadHome(client, { home: row, keys: old, pins, ...options })
      const around = open.rights.includes('manage') ? await aroundEpoch(client, home, options) : { names: [] }
      homes.push({ home, change: await handOver({ open, keys: made.keys, ...around }) })
      onHome({ home, state: 'ready' })
    } catch (error) {
      if (!(error instanceof Refusal || (error instanceof ApiError && ITS_OWN.includes(error.code)))) throw error
      left.push(home)
      onHome({ home, state: 'left', error })
    }
  }
  return { homes, left }
}

/**
 * Not aborted any more: from here on it may happen. When the answer got lost, the account says whether it did.
 * @param {Client} client @param {import('./types.js').KeysReplace} body
 */
async function sent(client, body) {
  try {
    return await client.replaceKeys(body)
  } catch (error) {
    if (!isUnknown(error)) throw error
    const account = await client.account().catch(() => null)
    if (account?.wrapped === body.password.wrapped) return account
    throw error
  }
}
