// Ed25519 (RFC 8032) keys, and documents signed under a label: the signature is over `label || 0x00 || bytes`.

import { concat, utf8 } from './bytes.js'
import { fromB64, fromB64Of, toB64 } from './base64url.js'

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {{ body: string, signature: string }} Signed as it travels: both in base64url */
/** @typedef {{ privateKey: CryptoKey, publicKey: Bytes }} SignPair */

/** RFC 8410: PrivateKeyInfo of Ed25519 up to the 32 bytes. */
const PKCS8 = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20)

/** @param {Bytes} seed 32 bytes @returns {Promise<SignPair>} its private key cannot be read back */
export async function signPairOf(seed) {
  const pkcs8 = concat(PKCS8, seed)
  const readable = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign'])
  const jwk = await crypto.subtle.exportKey('jwk', readable)
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign'])
  pkcs8.fill(0)
  return { privateKey, publicKey: fromB64Of(jwk.x ?? '', 32) }
}

/** @param {string} label @param {Bytes} bytes @param {CryptoKey} privateKey @returns {Promise<Signed>} */
export async function signDocument(label, bytes, privateKey) {
  const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, message(label, bytes)))
  return { body: toB64(bytes), signature: toB64(signature) }
}

/**
 * Whether the document was signed under this label by one of these keys.
 * @param {string} label @param {Signed} signed @param {Bytes[]} publicKeys
 */
export async function signedByOneOf(label, signed, publicKeys) {
  const bytes = message(label, fromB64(signed.body))
  const signature = fromB64Of(signed.signature, 64)
  for (const publicKey of publicKeys) {
    if (await verifies(publicKey, signature, bytes)) return true
  }
  return false
}

/** @param {Bytes} publicKey @param {Bytes} signature @param {Bytes} bytes */
async function verifies(publicKey, signature, bytes) {
  try {
    const key = await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', key, signature, bytes)
  } catch {
    return false // not a point on the curve: such a key signs nothing
  }
}

/** @param {string} label @param {Bytes} bytes */
function message(label, bytes) {
  return concat(utf8(label), Uint8Array.of(0), bytes)
}
