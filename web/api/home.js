// Homes as pages use them: read, verified, opened; and changed by appending to the chain.

import { openHome } from '../crypto/home.js'
import { acceptInvitation } from '../crypto/invitation.js'
import { ApiError } from './errors.js'

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('../crypto/home.js').OpenHome} OpenHome
 * @typedef {import('../crypto/pins.js').Pins} Pins
 * @typedef {import('./types.js').ChainAppend} ChainAppend
 */

/** An append loses against another one at the same moment; so often in a row only when something is wrong. */
const TRIES = 4

/**
 * @param {Client} client
 * @param {{ home: { home: string }, keys: import('../crypto/wrapped-keys.js').AccountKeys, pins: Pins, signal?: AbortSignal }} from
 * @returns {Promise<OpenHome>}
 * @throws {import('../crypto/errors.js').ChainRefused|ApiError}
 */
export async function loadHome(client, { home, keys, pins, signal }) {
  const chain = await client.chain(home.home, null, { ...(signal && { signal }) })
  signal?.throwIfAborted()
  return openHome({ home, chain, keys, pins })
}

/**
 * Appends what `build` makes of the home as it is; when somebody else was quicker, reads it, verifies it and builds again.
 * @param {Client} client
 * @param {{ open: OpenHome, keys?: OpenHome['keys'], pins: Pins, signal?: AbortSignal }} from `keys` are the account's, where the home is open with
 *   ones that are being replaced
 * @param {(open: OpenHome) => Promise<ChainAppend|null>} build null when there is nothing left to do
 * @returns {Promise<OpenHome>} the home afterwards
 * @throws {import('../crypto/errors.js').Refusal|ApiError}
 */
export async function changeHome(client, { open, keys = open.keys, pins, signal }, build) {
  const again = () => loadHome(client, { home: open, keys, pins, ...(signal && { signal }) })
  let current = open
  for (let left = TRIES; left > 0; left -= 1) {
    const body = await build(current)
    if (!body) return current
    signal?.throwIfAborted()
    const lost = await client.appendChain(open.home, body, { ...(signal && { signal }) }).then(() => null, unlessConflict)
    const now = await again()
    if (!lost) return now
    if (now.chain.seq === current.chain.seq) throw lost // nobody was quicker: it is refused for what it is
    current = now
  }
  throw new ApiError('conflict', 'Somebody else keeps changing this home. Try again in a moment.')
}

/**
 * Accepts an invitation; when the home changed meanwhile, reads what it holds now, verifies it and accepts that.
 * @param {Client} client
 * @param {{ secret: import('../crypto/invitation.js').InvitationSecret, keys: import('../crypto/wrapped-keys.js').AccountKeys, pins: Pins, signal?: AbortSignal }} invited
 * @returns {Promise<void>}
 * @throws {import('../crypto/errors.js').Refusal|ApiError}
 */
export async function joinHome(client, { secret, keys, pins, signal }) {
  const options = { ...(signal && { signal }) }
  let seen = 0
  for (let left = TRIES; left > 0; left -= 1) {
    const opened = await client.openInvitation({ ticket: secret.ticket }, options)
    const body = await acceptInvitation({ secret, opened, keys, pins })
    signal?.throwIfAborted()
    const lost = await client.acceptInvitation(body, options).then(() => null, unlessConflict)
    if (!lost) return
    if (opened.entries.length === seen) throw lost
    seen = opened.entries.length
  }
  throw new ApiError('conflict', 'Somebody else keeps changing this home. Try again in a moment.')
}

/**
 * What whoever begins a new epoch has to know.
 * @param {Client} client @param {string} home @param {{ signal?: AbortSignal }} [options]
 * @returns {Promise<import('../crypto/chain-build.js').Around>}
 */
export async function aroundEpoch(client, home, options) {
  const [names, { members, invitations }] = await Promise.all([sealedNames(client, home, options), client.people(home, options)])
  return { names, listed: [...members, ...invitations.filter(({ lapsed }) => !lapsed)].map(({ slot }) => slot) }
}

/**
 * The sealed names of the home and all its cameras.
 * @param {Client} client @param {string} home @param {{ signal?: AbortSignal }} [options]
 * @returns {Promise<import('./types.js').Signed[]>}
 */
export async function sealedNames(client, home, options) {
  const [{ name }, cameras] = await Promise.all([client.home(home, options), client.cameras(home, options)])
  return [name, ...cameras.map((camera) => camera.name)]
}

/** @param {unknown} error @returns {ApiError} one that another entry may have caused */
function unlessConflict(error) {
  if (error instanceof ApiError && error.code === 'conflict') return error
  throw error
}
