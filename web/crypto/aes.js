// AES-256-GCM with a 16-byte tag. A nonce is the caller's to choose, once per key.

import { Damaged } from './errors.js'

/** @typedef {import('./bytes.js').Bytes} Bytes */

/** @param {Bytes} key 32 bytes @returns {Promise<CryptoKey>} */
export function aesKey(key) {
  return crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

/**
 * @param {CryptoKey} key @param {Bytes} nonce 12 bytes @param {Bytes} aad @param {Bytes} plain
 * @returns {Promise<Bytes>} ciphertext and tag
 */
export async function aesSeal(key, nonce, aad, plain) {
  return new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce, additionalData: aad }, key, plain))
}

/**
 * @param {CryptoKey} key @param {Bytes} nonce 12 bytes @param {Bytes} aad @param {Bytes} sealed ciphertext and tag
 * @returns {Promise<Bytes>}
 * @throws {Damaged} when it was not sealed so
 */
export async function aesOpen(key, nonce, aad, sealed) {
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonce, additionalData: aad }, key, sealed))
  } catch {
    throw new Damaged('AES-GCM')
  }
}
