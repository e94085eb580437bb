// Making, unlocking and recovering an account's keys: the bodies that the server gets, and the keys that stay here.
//
// What leaves is `login` halves, wrapped keys and public keys; the password, the recovery code and the `wrap` halves never do.

import { fromB64Of, toB64 } from './base64url.js'
import { wipe } from './bytes.js'
import { Damaged, WrongPassword } from './errors.js'
import { newId } from './ids.js'
import { newParameters, splitPassword } from './password.js'
import { newRecoveryCode, readRecoveryCode, splitRecovery } from './recovery.js'
import { importKeys, newRawKeys, unwrapKeys, wrapKeys } from './wrapped-keys.js'

/**
 * @typedef {import('./wrapped-keys.js').AccountKeys} AccountKeys
 * @typedef {import('./wrapped-keys.js').RawKeys} RawKeys
 * @typedef {import('../api/types.js').Account} Account
 * @typedef {import('./password.js').Halves} Halves
 */

/**
 * @param {{ name: string, password: string, ticket?: import('../api/types.js').Ticket|null }} wanted
 * @returns {Promise<{ body: import('../api/types.js').SignUp, recovery: string, keys: AccountKeys }>} `recovery` is shown once
 */
export async function newAccount({ name, password, ticket = null }) {
  const raw = newRawKeys(newId('acc'))
  const byPassword = await passwordCredentials(raw, password)
  const byCode = await recoveryCredentials(raw)
  const keys = await importKeys(raw)
  const body = {
    account: raw.account,
    name,
    password: byPassword,
    recovery: byCode.credentials,
    kem: toB64(keys.kemPublic),
    sign: toB64(keys.signPublic),
    ticket,
  }
  return { body, recovery: byCode.text, keys }
}

/**
 * What a sign-in sends, and what opens the keys afterwards.
 * @param {string} password @param {import('./password.js').PasswordParameters} parameters
 * @returns {Promise<Halves>}
 */
export function passwordLogin(password, parameters) {
  return splitPassword(password, parameters)
}

/**
 * @param {Account} account @param {CryptoKey} wrap
 * @returns {Promise<AccountKeys>}
 * @throws {WrongPassword} when they do not open under it
 * @throws {Damaged} when they are not the keys that the account states
 */
export async function unlockAccount(account, wrap) {
  const raw = await rawOf(account, wrap)
  return importKeys(raw, { kem: fromB64Of(account.kem, 32), sign: fromB64Of(account.sign, 32) })
}

/**
 * @param {{ account: Account, oldPassword: string, newPassword: string }} change
 * @returns {Promise<import('../api/types.js').PasswordChange>}
 * @throws {WrongPassword}
 */
export async function changePassword({ account, oldPassword, newPassword }) {
  const { login, wrap } = await splitPassword(oldPassword, account.parameters)
  const raw = await rawOf(account, wrap)
  const password = await passwordCredentials(raw, newPassword)
  wipe(raw.bytes)
  return { login, password }
}

/**
 * @param {{ account: Account, password: string }} change
 * @returns {Promise<{ body: import('../api/types.js').RecoveryChange, recovery: string }>}
 * @throws {WrongPassword}
 */
export async function changeRecovery({ account, password }) {
  const { login, wrap } = await splitPassword(password, account.parameters)
  const raw = await rawOf(account, wrap)
  const { credentials, text } = await recoveryCredentials(raw)
  wipe(raw.bytes)
  return { body: { login, recovery: credentials }, recovery: text }
}

/**
 * @param {string} code as typed
 * @returns {Promise<Halves>}
 * @throws {import('./errors.js').WrongCode}
 */
export async function recoveryLogin(code) {
  return splitRecovery(await readRecoveryCode(code))
}

/**
 * @param {{ name: string, code: string, opened: import('../api/types.js').RecoveryOpened, newPassword: string }} recovery
 * @returns {Promise<{ body: import('../api/types.js').RecoveryReplace, recovery: string, keys: AccountKeys }>}
 * @throws {Damaged} when the keys do not open under the code
 */
export async function recoverAccount({ name, code, opened, newPassword }) {
  const { login, wrap } = await recoveryLogin(code)
  const raw = await unwrapKeys(opened.account, opened.wrapped, wrap)
  const password = await passwordCredentials(raw, newPassword)
  const { credentials, text } = await recoveryCredentials(raw)
  return { body: { name, login, password, recovery: credentials }, recovery: text, keys: await importKeys(raw) }
}

/** @param {Account} account @param {CryptoKey} wrap */
function rawOf({ account, wrapped }, wrap) {
  return unwrapKeys(account, wrapped, wrap).catch((error) => {
    throw error instanceof Damaged ? new WrongPassword(error.detail) : error
  })
}

/** The password's way in to these keys. @param {RawKeys} raw @param {string} password @returns {Promise<import('../api/types.js').Credentials>} */
export async function passwordCredentials(raw, password) {
  const parameters = newParameters()
  const { login, wrap } = await splitPassword(password, parameters)
  return { parameters, login, wrapped: await wrapKeys(raw, wrap) }
}

/** A new recovery code's way in to these keys. @param {RawKeys} raw @returns {Promise<{ credentials: import('../api/types.js').RecoveryCredentials, text: string }>} */
export async function recoveryCredentials(raw) {
  const { text, bytes } = await newRecoveryCode()
  const { login, wrap } = await splitRecovery(bytes)
  return { credentials: { login, wrapped: await wrapKeys(raw, wrap) }, text }
}
