// An account's two private keys as the server keeps them: 92 bytes under a `wrap` half. Opened, they become keys that cannot be read back.

import { aesOpen, aesSeal } from './aes.js'
import { fromB64Of, toB64 } from './base64url.js'
import { concat, equal, random, u32, wipe } from './bytes.js'
import { signPairOf } from './ed25519.js'
import { Damaged } from './errors.js'
import { idBytes } from './ids.js'
import { pairOf } from './x25519.js'

/**
 * @typedef {import('./bytes.js').Bytes} Bytes
 * @typedef {{ account: string, kem: CryptoKey, sign: CryptoKey, kemPublic: Bytes, signPublic: Bytes, previous?: AccountKeys[], standing?: string[]|undefined }} AccountKeys
 *   `previous` were replaced, and may still stand in the homes of `standing`; in which, is not known when there is none
 * @typedef {{ account: string, bytes: Bytes }} RawKeys 64 bytes, for wrapping anew; to be wiped by the holder
 */

const VERSION = 1
const WRAPPED_LENGTH = 92

/** @param {string} account @returns {RawKeys} */
export function newRawKeys(account) {
  return { account, bytes: random(64) }
}

/** @param {RawKeys} raw @param {CryptoKey} wrap @returns {Promise<string>} base64url */
export async function wrapKeys({ account, bytes }, wrap) {
  const nonce = random(12)
  return toB64(concat(nonce, await aesSeal(wrap, nonce, associated(account), bytes)))
}

/**
 * @param {string} account @param {string} wrapped base64url @param {CryptoKey} wrap
 * @returns {Promise<RawKeys>}
 * @throws {Damaged} when they do not open
 */
export async function unwrapKeys(account, wrapped, wrap) {
  let sealed
  try {
    sealed = fromB64Of(wrapped, WRAPPED_LENGTH)
  } catch {
    throw new Damaged('wrapped keys: length')
  }
  return { account, bytes: await aesOpen(wrap, sealed.slice(0, 12), associated(account), sealed.slice(12)) }
}

/**
 * Makes keys of the bytes and wipes the bytes.
 * @param {RawKeys} raw
 * @param {{ kem: Bytes, sign: Bytes }} [expected] the public keys that they must have
 * @returns {Promise<AccountKeys>}
 * @throws {Damaged} when they have others
 */
export async function importKeys({ account, bytes }, expected) {
  const kem = await pairOf(bytes.slice(0, 32))
  const sign = await signPairOf(bytes.slice(32))
  wipe(bytes)
  if (expected && !(equal(expected.kem, kem.publicKey) && equal(expected.sign, sign.publicKey))) {
    throw new Damaged('account keys: other public keys')
  }
  return { account, kem: kem.privateKey, sign: sign.privateKey, kemPublic: kem.publicKey, signPublic: sign.publicKey }
}

/** @typedef {Pick<AccountKeys, 'kemPublic'|'signPublic'>} PublicKeys */

/** @param {PublicKeys} one @param {PublicKeys} other */
export function sameKeys(one, other) {
  return equal(one.kemPublic, other.kemPublic) && equal(one.signPublic, other.signPublic)
}

/** @param {string} account */
function associated(account) {
  return concat(idBytes('acc', account), u32(VERSION))
}
