// "I lost a device": other keys for an account. The old ones sign for them, which works where these cannot be read back and the password is
// forgotten; a sign-in alone replaces nothing.

import { passwordCredentials, recoveryCredentials } from './account.js'
import { fromB64, toB64 } from './base64url.js'
import { utf8 } from './bytes.js'
import { signDocument } from './ed25519.js'
import { sha256 } from './hash.js'
import { importKeys, newRawKeys } from './wrapped-keys.js'

/**
 * @typedef {import('./wrapped-keys.js').AccountKeys} AccountKeys
 * @typedef {object} NewKeys made here, in force only once the server has them
 * @property {AccountKeys} keys
 * @property {import('../api/types.js').Credentials} password
 * @property {import('../api/types.js').RecoveryCredentials} recovery
 * @property {string} code the new recovery code, shown once
 */

const LABEL = 'ks/account-keys/v1'

/** @param {{ account: string, password: string }} wanted @returns {Promise<NewKeys>} */
export async function newKeys({ account, password }) {
  const raw = newRawKeys(account)
  const byPassword = await passwordCredentials(raw, password)
  const { credentials, text } = await recoveryCredentials(raw)
  return { keys: await importKeys(raw), password: byPassword, recovery: credentials, code: text }
}

/**
 * What the server gets: the old key's word for the new ones, and each home's entry.
 * @param {{ made: NewKeys, old: AccountKeys, homes: import('../api/types.js').HomeHandOver[] }} wanted
 * @returns {Promise<import('../api/types.js').KeysReplace>}
 */
export async function replacement({ made: { keys, password, recovery }, old, homes }) {
  const document = {
    v: 1,
    account: keys.account,
    kem: toB64(keys.kemPublic),
    sign: toB64(keys.signPublic),
    password: await hashOf(password.login),
    recovery: await hashOf(recovery.login),
  }
  return { statement: await signDocument(LABEL, utf8(JSON.stringify(document)), old.sign), password, recovery, homes }
}

/** @param {string} login */
async function hashOf(login) {
  return toB64(await sha256(fromB64(login)))
}
