// One request to /api/v1 and its answer. Nothing is kept by the browser's cache, nothing is sent to another origin.

import { ApiError, errorOf, offline } from './errors.js'

/**
 * @typedef {{ method?: 'GET'|'POST'|'PUT'|'DELETE', body?: unknown, query?: Record<string, string|number|boolean|null|undefined>, signal?: AbortSignal }} Wanted
 * @typedef {{ base: string, fetch: typeof fetch }} Way
 */

/**
 * @param {Way} way @param {string} path below /api/v1 @param {Wanted} [wanted]
 * @returns {Promise<any>} the JSON of the answer, null when it has no body
 * @throws {ApiError}
 */
export async function askJson(way, path, wanted = {}) {
  const text = await answered(await ask(way, path, wanted), (response) => response.text(), wanted.signal)
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    throw new ApiError('bad_answer', 'The server gave an answer that was not understood. Try again in a while.')
  }
}

/**
 * @param {Way} way @param {string} path @param {Wanted} wanted
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {ApiError}
 */
export async function askBytes(way, path, wanted) {
  return new Uint8Array(await answered(await ask(way, path, wanted), (response) => response.arrayBuffer(), wanted.signal))
}

/** Names for a path: every part is encoded, so that none can reach out of its place. @param {TemplateStringsArray} fixed @param {...(string|number)} parts */
export function path(fixed, ...parts) {
  return fixed.reduce((done, text, i) => done + encodeURIComponent(parts[i - 1]) + text)
}

/** @param {Way} way @param {string} path @param {Wanted} wanted */
export function addressOf({ base }, path, { query = {} } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== false)
  const search = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()
  return `${base}/api/v1${path}${search && `?${search}`}`
}

/** @param {Way} way @param {string} path @param {Wanted} wanted */
async function ask(way, path, wanted) {
  const { method = 'GET', body, signal } = wanted
  /** @type {RequestInit} */
  const init = { method, credentials: 'same-origin', cache: 'no-store', redirect: 'error', referrerPolicy: 'no-referrer' }
  if (signal) init.signal = signal
  if (body !== undefined) Object.assign(init, { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } })
  const { fetch } = way
  const response = await answered(addressOf(way, path, wanted), (address) => fetch(address, init), signal)
  if (!response.ok) throw await errorOf(response)
  return response
}

/**
 * A failure of the way is `offline`; an abort stays what it is.
 * @template T, R
 * @param {T} of @param {(of: T) => Promise<R>} act @param {AbortSignal|undefined} signal
 */
async function answered(of, act, signal) {
  try {
    return await act(of)
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw error instanceof TypeError ? offline() : error
  }
}
