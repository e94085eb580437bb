// base64url without padding (RFC 4648, section 5). Bytes have one text form: other alphabets, padding, white space and left-over bits are
// refused.

/** @typedef {import('./bytes.js').Bytes} Bytes */

/** @param {Uint8Array} bytes */
export function toB64(bytes) {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/**
 * @param {string} text
 * @returns {Bytes}
 * @throws {SyntaxError} when it is not the one text form of some bytes
 */
export function fromB64(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw new SyntaxError('not base64url without padding')
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0))
  if (toB64(bytes) !== text) throw new SyntaxError('base64url with bits left over')
  return bytes
}

/**
 * @param {string} text
 * @param {number} length
 * @returns {Bytes}
 * @throws {SyntaxError} when it is not exactly so many bytes
 */
export function fromB64Of(text, length) {
  const bytes = fromB64(text)
  if (bytes.length !== length) throw new SyntaxError(`expected ${length} bytes in base64url`)
  return bytes
}
