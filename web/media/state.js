// Named states for whatever went wrong, so that a page has one exhaustive switch and no error is only an exception.

import { ApiError } from '../api/errors.js'
import { Refusal } from '../crypto/errors.js'

/**
 * @typedef {'locked'|'damaged'|'did_not_belong'|'ended'|'lockdown'|'offline'|'unavailable'|'signed_out'|'not_allowed'|'chain_refused'|'fault'} Trouble
 */

/** @type {Record<string, Trouble>} `not_found`, for somebody who was there, means that access was taken away or the thing is gone */
const BY_CODE = {
  not_found: 'ended',
  gone: 'ended',
  lockdown: 'lockdown',
  offline: 'offline',
  unavailable: 'unavailable',
  too_many: 'unavailable',
  sign_in_needed: 'signed_out',
  not_allowed: 'not_allowed',
  locked: 'locked',
  damaged: 'damaged',
  did_not_belong: 'did_not_belong',
  chain_refused: 'chain_refused',
}

/** @param {unknown} error @returns {Trouble} */
export function stateOf(error) {
  const code = error instanceof ApiError ? error.code : error instanceof Refusal ? error.kind : ''
  return Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : 'fault'
}

/** Whether trying the same again later may help. @param {unknown} error */
export function passes(error) {
  return error instanceof ApiError && ['offline', 'unavailable', 'too_many'].includes(error.code)
}

/** Whether one part of an Event is lost, and the rest is not. @param {unknown} error */
export function isPartLost(error) {
  return error instanceof Refusal && (error.kind === 'damaged' || error.kind === 'did_not_belong')
}
