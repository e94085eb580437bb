// SHA-256, HMAC-SHA256 and HKDF-SHA256 with an empty salt, as docs/formats writes `HKDF(secret, info)`.

/** @typedef {import('./bytes.js').Bytes} Bytes */

/** @param {Bytes} bytes @returns {Promise<Bytes>} 32 bytes */
export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** @param {Bytes} key @param {Bytes} bytes @returns {Promise<Bytes>} 32 bytes */
export async function hmac(key, bytes) {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, bytes))
}

/** @param {Bytes} key @param {Bytes} bytes @param {Bytes} mac */
export async function hmacIs(key, bytes, mac) {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
  return crypto.subtle.verify('HMAC', imported, mac, bytes)
}

/**
 * A secret from which others are derived, and which cannot be read back.
 * @param {Bytes} secret
 * @returns {Promise<CryptoKey>}
 */
export function hkdfKey(secret) {
  return crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits', 'deriveKey'])
}

/** @param {CryptoKey} key of `hkdfKey` @param {Bytes} info @returns {Promise<Bytes>} 32 bytes */
export async function derive(key, info) {
  return new Uint8Array(await crypto.subtle.deriveBits(hkdfWith(info), key, 256))
}

/** @param {CryptoKey} key of `hkdfKey` @param {Bytes} info @returns {Promise<CryptoKey>} for AES-256-GCM */
export function deriveAesKey(key, info) {
  return crypto.subtle.deriveKey(hkdfWith(info), key, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
}

/** @param {Bytes} secret @param {Bytes} info @returns {Promise<Bytes>} 32 bytes */
export async function hkdf(secret, info) {
  return derive(await hkdfKey(secret), info)
}

/** @param {Bytes} info @returns {HkdfParams} */
function hkdfWith(info) {
  return { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info }
}
