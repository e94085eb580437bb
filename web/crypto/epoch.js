// Epoch secrets: sealed to each slot, and the one before sealed to the one after. A secret proves itself against the chain's public key.

import { fromB64, fromB64Of, toB64 } from './base64url.js'
import { concat, equal, random, u32, utf8, wipe } from './bytes.js'
import { holdsEpochs } from './chain-entry.js'
import { ChainRefused, Damaged, Locked } from './errors.js'
import { hpkeOpen, hpkeSeal } from './hpke.js'
import { idBytes } from './ids.js'
import { pairOf } from './x25519.js'

/**
 * @typedef {import('./bytes.js').Bytes} Bytes
 * @typedef {import('./chain.js').VerifiedChain} VerifiedChain
 * @typedef {import('./x25519.js').KemPair} KemPair
 * @typedef {import('../api/types.js').EpochPackage} EpochPackage
 * @typedef {import('../api/types.js').Sealed} Sealed
 * @typedef {{ slot: string, pair: KemPair }} Holder a slot and its key
 * @typedef {{ secret: Bytes, pair: KemPair }} Epoch
 */

/** @returns {Promise<Epoch>} a new one; the secret is to be wiped by the holder */
export async function newEpoch() {
  const secret = random(32)
  return { secret, pair: await pairOf(secret) }
}

/**
 * The secrets of all epochs that the packages give to this slot: the newest directly, those before through each other, and where that way is
 * broken off, what is sealed to the slot itself. Those that it cannot reach are absent.
 * @param {VerifiedChain} chain @param {EpochPackage[]} packages @param {Holder} holder
 * @returns {Promise<Map<number, KemPair>>} by number
 * @throws {ChainRefused} `epoch` for a secret that is not the chain's
 * @throws {Damaged} for a secret inside another one that does not open
 */
export async function openEpochs(chain, packages, holder) {
  /** @type {Map<number, KemPair>} */
  const open = new Map()
  for (const one of [...packages].sort((a, b) => b.epoch - a.epoch)) {
    const secret = open.has(one.epoch) ? null : await slotSecret(chain.home, one, holder).catch(unlessDamaged)
    if (secret) open.set(one.epoch, await proven(chain, one.epoch, secret))
    const before = await previousSecret(chain.home, one, open.get(one.epoch))
    if (before) open.set(one.epoch - 1, await proven(chain, one.epoch - 1, before))
  }
  return open
}

/**
 * The secret of the chain's newest epoch itself, to seal it to somebody.
 * @param {VerifiedChain} chain @param {EpochPackage[]} packages @param {Holder} holder
 * @returns {Promise<Bytes>} to be wiped by the holder
 * @throws {Locked|ChainRefused|Damaged}
 */
export async function currentSecret(chain, packages, holder) {
  const one = packages.find(({ epoch }) => epoch === chain.head.epoch)
  const secret = one && (await slotSecret(chain.home, one, holder))
  if (!secret) throw new Locked(`epoch ${chain.head.epoch}`)
  await proven(chain, chain.head.epoch, secret.slice())
  return secret
}

/**
 * @param {{ home: string, epoch: number, slot: string }} place @param {Bytes} kem the slot's public key @param {Bytes} secret
 * @returns {Promise<Sealed>}
 */
export async function sealToSlot(place, kem, secret) {
  return written(await hpkeSeal(kem, slotInfo(place), secret))
}

/**
 * @param {{ home: string, epoch: number, slot: string }} place @param {KemPair} pair the slot's @param {Sealed} sealed
 * @returns {Promise<Bytes>} 32 bytes, not yet proven
 */
export async function openForSlot(place, pair, sealed) {
  return secretOf(await hpkeOpen(pair, slotInfo(place), read(sealed)))
}

/**
 * The package of an epoch that begins.
 * @param {{ home: string, epoch: number, slots: import('./chain-entry.js').Slot[], begun: Epoch, before: Bytes|null }} what `before` is the previous epoch's secret
 * @returns {Promise<EpochPackage>}
 */
export async function packEpoch({ home, epoch, slots, begun, before }) {
  const sealed = await Promise.all(
    slots.filter(holdsEpochs).map(async ({ slot, kem }) => ({ slot, ...(await sealToSlot({ home, epoch, slot }, kem, begun.secret)) })),
  )
  const previous = before && written(await hpkeSeal(begun.pair.publicKey, previousInfo(home, epoch), before))
  return { epoch, sealed, previous }
}

/**
 * The key pair of a secret that is the chain's; wipes the secret.
 * @param {VerifiedChain} chain @param {number} epoch @param {Bytes} secret
 */
export async function proven(chain, epoch, secret) {
  const pair = await pairOf(secret)
  wipe(secret)
  const stated = chain.epochKey(epoch)
  if (!stated || !equal(stated, pair.publicKey)) throw new ChainRefused('epoch', `the secret of epoch ${epoch} is another one`)
  return pair
}

/** @param {string} home @param {EpochPackage} one @param {KemPair|undefined} pair of its epoch */
async function previousSecret(home, { epoch, previous }, pair) {
  if (!previous || !pair) return null
  return secretOf(await hpkeOpen(pair, previousInfo(home, epoch), read(previous)))
}

/** @param {string} home @param {EpochPackage} one @param {Holder} holder */
async function slotSecret(home, one, { slot, pair }) {
  const mine = one.sealed.find((sealed) => sealed.slot === slot)
  return mine ? openForSlot({ home, epoch: one.epoch, slot }, pair, mine) : null
}

/** Sealed to keys that the slot had before it replaced them. @param {unknown} error @returns {null} */
function unlessDamaged(error) {
  if (error instanceof Damaged) return null
  throw error
}

/** @param {Bytes} opened */
function secretOf(opened) {
  if (opened.length !== 32) throw new Damaged('epoch secret: length')
  return opened
}

/** @param {{ home: string, epoch: number, slot: string }} place */
function slotInfo({ home, epoch, slot }) {
  return concat(utf8('ks/epoch/v1'), idBytes('hom', home), u32(epoch), idBytes('slt', slot))
}

/** @param {string} home @param {number} epoch the new one's number */
function previousInfo(home, epoch) {
  return concat(utf8('ks/epoch-prev/v1'), idBytes('hom', home), u32(epoch))
}

/** @param {import('./hpke.js').Encapsulated} sealed @returns {Sealed} */
function written({ enc, ct }) {
  return { enc: toB64(enc), ct: toB64(ct) }
}

/** @param {Sealed} sealed */
function read({ enc, ct }) {
  try {
    return { enc: fromB64Of(enc, 32), ct: fromB64(ct) }
  } catch (error) {
    throw new Damaged(String(error))
  }
}
