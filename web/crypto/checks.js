// Checks of json.js for what the formats share: bytes in base64url, sealed boxes, signed documents.

import { fromB64, fromB64Of } from './base64url.js'
import { record, string } from './json.js'
import { isSmallEd25519, isSmallX25519 } from './small-order.js'

/** @typedef {import('./bytes.js').Bytes} Bytes */

/** @type {import('./json.js').Check<Bytes>} */
export function b64(value, at) {
  return decoded(value, at, fromB64)
}

/**
 * Exactly so many bytes.
 * @param {number} length
 * @returns {import('./json.js').Check<Bytes>}
 */
export function b64Of(length) {
  return (value, at) => decoded(value, at, (text) => fromB64Of(text, length))
}

/** An X25519 key that can be sealed to. @type {import('./json.js').Check<Bytes>} */
export function kemKey(value, at) {
  return honest(b64Of(32)(value, at), at, isSmallX25519)
}

/** An Ed25519 key that is no point of small order. @type {import('./json.js').Check<Bytes>} */
export function signKey(value, at) {
  return honest(b64Of(32)(value, at), at, isSmallEd25519)
}

/** An HPKE ciphertext and its encapsulated key. */
export const sealedBox = record({ enc: b64Of(32), ct: b64 })

/** @param {Bytes} key @param {string} at @param {(key: Bytes) => boolean} isSmall */
function honest(key, at, isSmall) {
  if (isSmall(key)) throw new SyntaxError(`${at}: not a key that anybody made`)
  return key
}

/** @param {unknown} value @param {string} at @param {(text: string) => Bytes} decode */
function decoded(value, at, decode) {
  try {
    return decode(string(value, at))
  } catch (error) {
    throw new SyntaxError(`${at}: ${error instanceof Error ? error.message : error}`)
  }
}
