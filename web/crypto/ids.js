// Identities: 16 random bytes; their text is a prefix that names the kind, an underscore and 26 characters of Crockford base32.

import { random } from './bytes.js'
import { fromBase32, toBase32 } from './crockford.js'

/** @typedef {'acc'|'hom'|'cam'|'agt'|'evt'|'gap'|'org'|'ses'|'slt'} Prefix */
/** @typedef {import('./bytes.js').Bytes} Bytes */

/** @param {Prefix} prefix @returns {string} a new identity */
export function newId(prefix) {
  return `${prefix}_${toBase32(random(16))}`
}

/**
 * The 16 bytes of an identity.
 * @param {Prefix} prefix the kind that it must be
 * @param {string} text
 * @returns {Bytes}
 * @throws {SyntaxError} when it is not the one text form of an identity of this kind
 */
export function idBytes(prefix, text) {
  if (text.length !== 30 || !text.startsWith(`${prefix}_`)) throw new SyntaxError(`not an id of the kind ${prefix}`)
  return fromBase32(text.slice(4))
}

/** @param {Prefix} prefix @param {unknown} text */
export function isId(prefix, text) {
  try {
    return typeof text === 'string' && idBytes(prefix, text).length === 16
  } catch {
    return false
  }
}

/** @param {Prefix} prefix @param {Uint8Array} bytes 16 of them */
export function idText(prefix, bytes) {
  return `${prefix}_${toBase32(bytes)}`
}

/**
 * A check for json.js.
 * @param {...Prefix} prefixes
 * @returns {import('./json.js').Check<string>}
 */
export function id(...prefixes) {
  return (value, at) => {
    if (!prefixes.some((prefix) => isId(prefix, value))) throw new SyntaxError(`${at}: expected an id of the kind ${prefixes.join(' or ')}`)
    return /** @type {string} */ (value)
  }
}
