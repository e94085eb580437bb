// Bytes: joining, comparing, integers, text. Nothing here is secret-aware but `wipe`, which is best effort: a JavaScript engine may
// have copied what it wipes.

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @param {...Uint8Array} parts @returns {Bytes} */
export function concat(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/**
 * Whether two byte strings are the same, in time that depends on their lengths only.
 * @param {Uint8Array} a @param {Uint8Array} b
 */
export function equal(a, b) {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i += 1) difference |= a[i] ^ b[i]
  return difference === 0
}

/** @param {string} text @returns {Bytes} */
export function utf8(text) {
  return encoder.encode(text)
}

/**
 * The text of UTF-8 bytes.
 * @param {Uint8Array} bytes
 * @throws {TypeError} when they are not UTF-8
 */
export function textOf(bytes) {
  return decoder.decode(bytes)
}

/** @param {number} value @returns {Bytes} one byte */
export function u8(value) {
  return Uint8Array.of(value)
}

/** @param {number} value @returns {Bytes} two bytes, big-endian */
export function u16(value) {
  return Uint8Array.of(value >>> 8, value)
}

/** @param {number} value @returns {Bytes} four bytes, big-endian */
export function u32(value) {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

/** @param {number} value a safe integer @returns {Bytes} eight bytes, big-endian */
export function u64(value) {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}

/** @param {number} length @returns {Bytes} from the browser's random source */
export function random(length) {
  return crypto.getRandomValues(new Uint8Array(length))
}

/** @param {...Uint8Array} secrets */
export function wipe(...secrets) {
  for (const secret of secrets) secret.fill(0)
}
