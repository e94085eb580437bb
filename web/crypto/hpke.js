// HPKE (RFC 9180), base mode, single shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, with an empty aad.
//
// WebCrypto's HKDF does extract and expand in one; HPKE wants them apart, so both are built from HMAC (RFC 5869).

import { aesKey, aesOpen, aesSeal } from './aes.js'
import { concat, u16, u8, utf8 } from './bytes.js'
import { Damaged } from './errors.js'
import { hmac } from './hash.js'
import { diffieHellman, newPair } from './x25519.js'

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {{ enc: Bytes, ct: Bytes }} Encapsulated */

const NONE = new Uint8Array()
const KEM_SUITE = concat(utf8('KEM'), u16(0x0020))
const SUITE = concat(utf8('HPKE'), u16(0x0020), u16(0x0001), u16(0x0002))

/**
 * @param {Bytes} publicKey whose holder opens it
 * @param {Bytes} info binds the ciphertext to its place
 * @param {Bytes} plain
 * @param {import('./x25519.js').KemPair} [ephemeral] of the test vectors; otherwise new for each call
 * @returns {Promise<Encapsulated>}
 */
export async function hpkeSeal(publicKey, info, plain, ephemeral) {
  const pair = ephemeral ?? (await newPair())
  const shared = await sharedSecret(await diffieHellman(pair.privateKey, publicKey), pair.publicKey, publicKey)
  const { key, nonce } = await schedule(shared, info)
  return { enc: pair.publicKey, ct: await aesSeal(key, nonce, NONE, plain) }
}

/**
 * @param {import('./x25519.js').KemPair} pair the receiver's
 * @param {Bytes} info @param {Encapsulated} sealed
 * @returns {Promise<Bytes>}
 * @throws {Damaged} when it was not sealed to this key with this info
 */
export async function hpkeOpen(pair, info, { enc, ct }) {
  const dh = await diffieHellman(pair.privateKey, enc).catch(() => {
    throw new Damaged('HPKE: not a usable public key')
  })
  const { key, nonce } = await schedule(await sharedSecret(dh, enc, pair.publicKey), info)
  return aesOpen(key, nonce, NONE, ct)
}

/** ExtractAndExpand, section 4.1. @param {Bytes} dh @param {Bytes} enc @param {Bytes} publicKey */
async function sharedSecret(dh, enc, publicKey) {
  const prk = await labeledExtract(KEM_SUITE, NONE, 'eae_prk', dh)
  return labeledExpand(KEM_SUITE, prk, 'shared_secret', concat(enc, publicKey), 32)
}

/** KeySchedule of the base mode, section 5.1: no pre-shared key. @param {Bytes} shared @param {Bytes} info */
async function schedule(shared, info) {
  const pskIdHash = await labeledExtract(SUITE, NONE, 'psk_id_hash', NONE)
  const infoHash = await labeledExtract(SUITE, NONE, 'info_hash', info)
  const context = concat(u8(0), pskIdHash, infoHash)
  const secret = await labeledExtract(SUITE, shared, 'secret', NONE)
  return {
    key: await aesKey(await labeledExpand(SUITE, secret, 'key', context, 32)),
    nonce: await labeledExpand(SUITE, secret, 'base_nonce', context, 12), // the first and only message: sequence number 0
  }
}

/** @param {Bytes} suite @param {Bytes} salt @param {string} label @param {Bytes} secret */
function labeledExtract(suite, salt, label, secret) {
  return hmac(salt.length > 0 ? salt : new Uint8Array(32), concat(utf8('HPKE-v1'), suite, utf8(label), secret))
}

/**
 * @param {Bytes} suite @param {Bytes} prk @param {string} label @param {Bytes} info
 * @param {number} length at most 32: one block of the expansion is enough for everything here
 */
async function labeledExpand(suite, prk, label, info, length) {
  const labeled = concat(u16(length), utf8('HPKE-v1'), suite, utf8(label), info)
  return (await hmac(prk, concat(labeled, u8(1)))).slice(0, length)
}
