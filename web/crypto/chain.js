// A home's chain, verified from its first entry. Holding a `VerifiedChain` means that every rule and every signature was checked; only
// `verifyChain` and `extendChain` make one.

import { equal } from './bytes.js'
import { ENTRY_LABEL, isOwner, readEntry } from './chain-entry.js'
import { checkGenesis, checkLink, checkNext, signerOf, whyUnsigned } from './chain-rules.js'
import { signedByOneOf } from './ed25519.js'
import { ChainRefused } from './errors.js'

/**
 * @typedef {import('./bytes.js').Bytes} Bytes
 * @typedef {import('./chain-entry.js').Entry} Entry
 * @typedef {import('./ed25519.js').Signed} Signed
 * @typedef {{ genesis: Bytes, seq: number, hash: Bytes }} Pin what this device has seen of a home
 */

/** Every entry of a home from the first on, checked. */
export class VerifiedChain {
  /** @param {Entry[]} entries checked by the caller */
  constructor(entries) {
    this.entries = Object.freeze([...entries])
    this.head = entries[entries.length - 1]
    Object.freeze(this)
  }

  get home() {
    return this.head.home
  }

  get seq() {
    return this.head.seq
  }

  /** SHA-256 of the highest entry. */
  get hash() {
    return this.head.hash
  }

  /** SHA-256 of the first entry. */
  get genesis() {
    return this.entries[0].hash
  }

  /** @returns {Pin} */
  get pin() {
    return { genesis: this.genesis, seq: this.seq, hash: this.hash }
  }

  /** @param {string} account the slot that it has now */
  slotOf(account) {
    return this.head.slots.find((slot) => slot.account === account)
  }

  /** Whether the account in this slot has put other keys into it since it joined. @param {string} slot */
  replacedKeys(slot) {
    const held = this.entries.flatMap(({ slots }) => slots.filter((one) => one.slot === slot && one.account !== null))
    return held.some((one, i) => i > 0 && !(equal(one.kem, held[i - 1].kem) && equal(one.sign, held[i - 1].sign)))
  }

  /** @param {number} epoch @returns {Bytes|null} its public key */
  epochKey(epoch) {
    return this.entries.find((entry) => entry.epoch === epoch)?.epoch_key ?? null
  }

  /**
   * The keys with which an agent or an owner could sign while this epoch lasted. Those who have left since count: what they signed stays.
   * @param {number} epoch @param {string} signer `agt_` or `slt_`
   * @returns {Bytes[]}
   */
  signersIn(epoch, signer) {
    const during = this.entries.filter((entry) => entry.epoch === epoch)
    const agents = during.flatMap((entry) => entry.agents.filter(({ agent }) => agent === signer))
    const owners = during.flatMap((entry) => entry.slots.filter((slot) => slot.slot === signer && isOwner(slot)))
    return [...agents, ...owners].map(({ sign }) => sign)
  }
}

/**
 * @param {string} home whose chain was asked for
 * @param {Signed[]} signed all entries, lowest first
 * @param {Pin|null} [pin] what this device has seen of it
 * @returns {Promise<VerifiedChain>}
 * @throws {ChainRefused}
 */
export async function verifyChain(home, signed, pin = null) {
  if (signed.length === 0) throw new ChainRefused(pin ? 'rollback' : 'malformed', 'no entries')
  const genesis = await readEntry(signed[0])
  if (genesis.home !== home) throw new ChainRefused('foreign_home', genesis.home)
  checkGenesis(genesis)
  await checkSignature(null, genesis, signed[0])
  const chain = await follow([genesis], signed.slice(1))
  checkPin(chain, pin)
  return chain
}

/**
 * @param {VerifiedChain} chain
 * @param {Signed[]} signed the entries after its highest, lowest first
 * @returns {Promise<VerifiedChain>}
 * @throws {ChainRefused}
 */
export function extendChain(chain, signed) {
  return follow([...chain.entries], signed)
}

/** @param {Entry[]} entries @param {Signed[]} signed */
async function follow(entries, signed) {
  for (const document of signed) {
    const previous = entries[entries.length - 1]
    const entry = await readEntry(document)
    checkLink(previous, entry)
    await checkSignature(previous, entry, document)
    checkNext(previous, entry)
    entries.push(entry)
  }
  return new VerifiedChain(entries)
}

/** @param {Entry|null} previous @param {Entry} entry @param {Signed} signed */
async function checkSignature(previous, entry, signed) {
  const { sign } = signerOf(previous, entry)
  const good = await signedByOneOf(ENTRY_LABEL, signed, [sign]).catch(() => false)
  if (!good) throw previous ? whyUnsigned(previous, entry) : new ChainRefused('bad_signature', 'entry 0')
}

/**
 * @param {VerifiedChain} chain @param {Pin|null} pin
 * @throws {ChainRefused} when the chain is not one that this device's pin is part of
 */
export function checkPin(chain, pin) {
  if (!pin) return
  if (!equal(chain.genesis, pin.genesis)) throw new ChainRefused('foreign_genesis')
  if (chain.seq < pin.seq) throw new ChainRefused('rollback', `entry ${chain.seq} after ${pin.seq}`)
  if (!equal(chain.entries[pin.seq].hash, pin.hash)) throw new ChainRefused('fork', `entry ${pin.seq}`)
}
