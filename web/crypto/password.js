// From a password to two halves that say nothing of each other: `login` for the server, `wrap` for the keys (docs/formats/home-chain.md).

import { aesKey } from './aes.js'
import { fromB64Of, toB64 } from './base64url.js'
import { random, utf8, wipe } from './bytes.js'
import { Damaged } from './errors.js'
import { hkdf } from './hash.js'

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {{ salt: string, iterations: number }} PasswordParameters `salt` is 16 bytes in base64url */
/** @typedef {{ login: string, wrap: CryptoKey }} Halves `login` is 32 bytes in base64url */

/** Fewer rounds are refused, whoever asks for them: a server that names 1 would get what it needs to guess the password. */
export const ITERATIONS_LEAST = 600_000
/** More would only make this device hang. */
const ITERATIONS_MOST = 10_000_000

/** @returns {PasswordParameters} for a new password */
export function newParameters() {
  return { salt: toB64(random(16)), iterations: ITERATIONS_LEAST }
}

/**
 * @param {string} password as typed; the same characters in another Unicode form are the same password
 * @param {PasswordParameters} parameters
 * @returns {Promise<Halves>}
 * @throws {Damaged} when the server asks for too few rounds, or gives no proper salt
 */
export async function splitPassword(password, { salt, iterations }) {
  if (!Number.isSafeInteger(iterations) || iterations < ITERATIONS_LEAST || iterations > ITERATIONS_MOST) {
    throw new Damaged(`password parameters: ${iterations} rounds`)
  }
  const saltBytes = saltOf(salt)
  const typed = await crypto.subtle.importKey('raw', utf8(password.normalize('NFKC')), 'PBKDF2', false, ['deriveBits'])
  const stretch = { name: 'PBKDF2', hash: 'SHA-256', salt: saltBytes, iterations }
  const master = new Uint8Array(await crypto.subtle.deriveBits(stretch, typed, 256))
  return halves(master, 'ks/account/v1')
}

/**
 * @param {Bytes} secret wiped afterwards
 * @param {string} label
 * @returns {Promise<Halves>}
 */
export async function halves(secret, label) {
  const login = toB64(await hkdf(secret, utf8(`${label}/login`)))
  const wrapping = await hkdf(secret, utf8(`${label}/wrap`))
  const wrap = await aesKey(wrapping)
  wipe(secret, wrapping)
  return { login, wrap }
}

/** @param {string} salt */
function saltOf(salt) {
  try {
    return fromB64Of(salt, 16)
  } catch {
    throw new Damaged('password parameters: salt')
  }
}
