// A home opened on this device: its chain verified and pinned, its epochs' secrets opened as keys that cannot be read back.

import { verifyChain } from './chain.js'
import { openEpochs } from './epoch.js'
import { ChainRefused } from './errors.js'
import { sameKeys } from './wrapped-keys.js'

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
 * @property {AccountKeys} keys those that stand in one's own slot
 * @property {import('../api/types.js').EpochPackage[]} packages as they came
 */

/**
 * @param {{ home: { home: string }, chain: import('../api/types.js').Chain, keys: AccountKeys, pins: Pins }} from
 * @returns {Promise<OpenHome>} `epochs` may lack some: what is sealed to those is locked
 * @throws {ChainRefused}
 * @throws {import('./errors.js').Damaged}
 *
 * Where one's place still has keys that were replaced elsewhere, it is opened with those.
 */
export async function openHome({ home: { home }, chain: { entries, epochs: packages }, keys, pins }) {
  const chain = await verifyChain(home, entries, await pins.get(home))
  const slot = ownSlot(chain, keys.account)
  const own = keysIn(slot, keys)
  await pins.raise(home, chain.pin)
  const epochs = await openEpochs(chain, packages, { slot: slot.slot, pair: ownPair(own) })
  return { home, slot: slot.slot, rights: slot.rights, chain, epochs, keys: own, packages }
}

/**
 * @param {VerifiedChain} chain @param {string} account
 * @throws {ChainRefused} when the account is not there
 */
function ownSlot(chain, account) {
  const slot = chain.slotOf(account)
  if (!slot) throw new ChainRefused('not_a_member')
  return slot
}

/**
 * @param {import('./chain-entry.js').Slot} slot one's own @param {AccountKeys} keys
 * @returns {AccountKeys} those that stand in it
 * @throws {ChainRefused} when none of them do
 */
function keysIn(slot, keys) {
  const found = [keys, ...(keys.previous ?? [])].find((one) => sameKeys(one, { kemPublic: slot.kem, signPublic: slot.sign }))
  if (!found) throw new ChainRefused('own_key', 'one’s own slot has other keys')
  return found
}


/** @param {AccountKeys} keys @returns {KemPair} */
export function ownPair(keys) {
  return { privateKey: keys.kem, publicKey: keys.kemPublic }
}
