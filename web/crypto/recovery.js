// The recovery code: 160 random bits with a checksum, written down once. Its two halves are split like a password's, without stretching.

import { fromBase32, inGroups, readTyped, toBase32 } from './crockford.js'
import { concat, random, utf8 } from './bytes.js'
import { WrongCode } from './errors.js'
import { sha256 } from './hash.js'
import { halves } from './password.js'

/** @typedef {import('./bytes.js').Bytes} Bytes */

const LABEL = 'ks/recovery/v1'

/** @returns {Promise<{ text: string, bytes: Bytes }>} */
export async function newRecoveryCode() {
  const bytes = random(20)
  return { text: await recoveryText(bytes), bytes }
}

/** @param {Bytes} bytes 20 @returns {Promise<string>} nine groups of four */
export async function recoveryText(bytes) {
  const check = toBase32((await sha256(concat(utf8(LABEL), bytes))).slice(0, 5)).slice(0, 4)
  return inGroups((toBase32(bytes) + check).toUpperCase())
}

/**
 * @param {string} typed
 * @returns {Promise<Bytes>} 20 bytes
 * @throws {WrongCode} when it was mistyped
 */
export async function readRecoveryCode(typed) {
  const digits = readTyped(typed, 36)
  if (digits === null) throw new WrongCode('A recovery code has nine groups of four letters and digits.')
  const bytes = fromBase32(digits.slice(0, 32).toLowerCase())
  if ((await recoveryText(bytes)) !== inGroups(digits)) throw new WrongCode('Something in this recovery code is mistyped.')
  return bytes
}

/**
 * The one written form of what was typed, to compare with what was shown.
 * @param {string} typed
 * @throws {WrongCode} when it was mistyped
 */
export async function normalRecoveryCode(typed) {
  return recoveryText(await readRecoveryCode(typed))
}

/** @param {Bytes} bytes of the code; wiped afterwards */
export function splitRecovery(bytes) {
  return halves(bytes, LABEL)
}
