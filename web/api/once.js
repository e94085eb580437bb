// What is done once and may not be answered: signing up, and a recovery. Sent a second time it would be refused for what the first has done
// already, in words that mislead. So after a lost answer the password that it made is tried first: if it signs in, it was done.

import { ApiError } from './errors.js'

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('./types.js').Account} Account
 * @typedef {{ name: string, password: import('./types.js').Credentials }} Made
 */

/** Whether it is not known what the server did. @param {unknown} error @returns {error is ApiError} */
export const isUnknown = (error) => error instanceof ApiError && ['offline', 'unavailable', 'bad_answer'].includes(error.code)

/**
 * @template {Made} T
 * @param {Client} client @param {(body: T) => Promise<Account>} send
 * @returns {(body: T) => Promise<Account>} to be called again with what is to be tried again
 * @throws {ApiError} nothing was done, or when the server stays unreached it is not known
 */
export function once(client, send) {
  /** @type {T|null} */
  let sent = null
  return async (body) => {
    const done = sent && (await madeBy(client, sent))
    if (done) return done
    try {
      return await send(body)
    } catch (error) {
      if (!isUnknown(error)) throw error
      sent = body
      const account = await madeBy(client, body).catch(() => null)
      if (account) return account
      throw error
    }
  }
}

/** Signs in with the password that was sent. @param {Client} client @param {Made} made @returns {Promise<Account|null>} null: it was never made */
async function madeBy(client, { name, password }) {
  try {
    const account = await client.signIn({ name, login: password.login })
    if (account.wrapped !== password.wrapped) return null
    await client.endOtherSessions().catch(() => {}) // the one of the answer that got lost is nobody's
    return account
  } catch (error) {
    if (error instanceof ApiError && error.code === 'wrong_sign_in') return null
    throw error
  }
}
