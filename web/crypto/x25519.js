// X25519 (RFC 7748) keys. A private key is imported once from its 32 bytes and cannot be read back afterwards.

import { concat } from './bytes.js'
import { fromB64Of } from './base64url.js'

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {{ privateKey: CryptoKey, publicKey: Bytes }} KemPair */

/** RFC 8410: PrivateKeyInfo of X25519 up to the 32 bytes. */
const PKCS8 = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20)
const BASE_POINT = new Uint8Array(32)
BASE_POINT[0] = 9

/** @param {Bytes} secret 32 bytes @returns {Promise<CryptoKey>} non-extractable */
export function importPrivate(secret) {
  return crypto.subtle.importKey('pkcs8', concat(PKCS8, secret), 'X25519', false, ['deriveBits'])
}

/** @param {Bytes} secret 32 bytes @returns {Promise<KemPair>} */
export async function pairOf(secret) {
  const privateKey = await importPrivate(secret)
  return { privateKey, publicKey: await diffieHellman(privateKey, BASE_POINT) }
}

/** @returns {Promise<KemPair>} a pair for one use: its private key cannot be stored as bytes */
export async function newPair() {
  const made = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey('X25519', false, ['deriveBits']))
  return { privateKey: made.privateKey, publicKey: await rawPublic(made.publicKey) }
}

/**
 * @param {CryptoKey} privateKey @param {Bytes} publicKey 32 bytes
 * @returns {Promise<Bytes>} 32 bytes
 * @throws {DOMException} when the result is all zero (a small-order point; RFC 9180, section 7.1.4)
 */
export async function diffieHellman(privateKey, publicKey) {
  const other = await crypto.subtle.importKey('raw', publicKey, 'X25519', false, [])
  const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: other }, privateKey, 256))
  if (shared.every((byte) => byte === 0)) throw new DOMException('small-order point', 'OperationError')
  return shared
}

/** @param {CryptoKey} key @returns {Promise<Bytes>} */
async function rawPublic(key) {
  const jwk = await crypto.subtle.exportKey('jwk', key)
  return fromB64Of(jwk.x ?? '', 32)
}
