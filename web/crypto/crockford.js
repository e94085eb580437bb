// Crockford base32: identities are lower case and have one form; codes that people type are upper case and read generously.

/** @typedef {import('./bytes.js').Bytes} Bytes */

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'

/** @param {Uint8Array} bytes @returns {string} lower case; the last character is filled with zero bits */
export function toBase32(bytes) {
  let text = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += DIGITS[(held >>> bits) & 31]
    }
  }
  return bits > 0 ? text + DIGITS[(held << (5 - bits)) & 31] : text
}

/**
 * @param {string} text lower case
 * @returns {Bytes}
 * @throws {SyntaxError} for other characters, and for bits left over
 */
export function fromBase32(text) {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let held = 0
  let bits = 0
  let at = 0
  for (const char of text) {
    const digit = DIGITS.indexOf(char)
    if (digit < 0) throw new SyntaxError('not Crockford base32')
    held = ((held << 5) | digit) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at] = held >>> bits
      at += 1
    }
  }
  if (bits >= 5 || (held & ((1 << bits) - 1)) !== 0) throw new SyntaxError('base32 with bits left over')
  return bytes
}

/**
 * What somebody typed, as upper-case digits: case, spaces and dashes do not matter, O is 0, I and L are 1.
 * @param {string} typed
 * @param {number} length how many characters there must be
 * @returns {string|null}
 */
export function readTyped(typed, length) {
  const digits = typed.toLowerCase().replace(/[\s\u2010-\u2015-]/g, '').replaceAll('o', '0').replace(/[il]/g, '1')
  const good = digits.length === length && [...digits].every((char) => DIGITS.includes(char))
  return good ? digits.toUpperCase() : null
}

/** @param {string} text @returns {string} groups of four, joined by dashes */
export function inGroups(text) {
  return (text.match(/.{1,4}/g) ?? []).join('-')
}
