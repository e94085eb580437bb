// A home opened on this device: its chain verified and pinned, its epochs' secrets opened as keys that cannot be read back.

import { equal } from './bytes.js'
import { verifyChain } from './chain.js'
import { openEpochs } from './epoch.js'
import { ChainRefused } from './errors.js'

/**
 * @typedef {import('./wrapped-keys.js').AccountKeys} AccountKeys
 * @typedef {import('./chain.js').VerifiedChain} VerifiedChain
 * @typedef {import('./pins.js').Pins} Pins
 * @typedef {import('./x25519.js').KemPair} KemPair
 * @typedef {object} OpenHome
 * @property {string} home
 * @property {string} slot one's own
 * @property {import('../api/types.js').Right[]} rights by the chain, not by the server
 * @property {VerifiedChain} chain
 * @property {Map<number, KemPair>} epochs those whose secret this device has
 * @property {AccountKeys} keys
 * @property {import('../api/types.js').EpochPackage[]} packages as they came
 */

/**
 * @param {{ home: { home: string }, chain: import('../api/types.js').Chain, keys: AccountKeys, pins: Pins }} from
 * @returns {Promise<OpenHome>} `epochs` may lack some: what is sealed to those is locked
 * @throws {ChainRefused}
 * @throws {import('./errors.js').Damaged}
 */
export async function openHome({ home: { home }, chain: { entries, epochs: packages }, keys, pins }) {
  const chain = await verifyChain(home, entries, await pins.get(home))
  const slot = ownSlot(chain, keys)
  await pins.raise(home, chain.pin)
  const epochs = await openEpochs(chain, packages, { slot: slot.slot, pair: ownPair(keys) })
  return { home, slot: slot.slot, rights: slot.rights, chain, epochs, keys, packages }
}

/**
 * @param {VerifiedChain} chain @param {AccountKeys} keys
 * @throws {ChainRefused} when the account is not there, or with keys that are not its own
 */
function ownSlot(chain, keys) {
  const slot = chain.slotOf(keys.account)
  if (!slot) throw new ChainRefused('not_a_member')
  if (!equal(slot.kem, keys.kemPublic) || !equal(slot.sign, keys.signPublic)) {
    throw new ChainRefused('member_key', 'one’s own slot has other keys')
  }
  return slot
}

/** @param {AccountKeys} keys @returns {KemPair} */
export function ownPair(keys) {
  return { privateKey: keys.kem, publicKey: keys.kemPublic }
}
