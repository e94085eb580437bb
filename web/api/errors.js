// What the server, or the way to it, refuses: one error with a stable code.

/**
 * @typedef {'not_found'|'sign_in_needed'|'not_allowed'|'lockdown'|'bad_request'|'too_large'|'conflict'|'gone'|'too_many'|'unavailable'|'no_space'|'offline'|'bad_answer'|(string & {})} ApiCode
 */

export class ApiError extends Error {
  /**
   * @param {ApiCode} code
   * @param {string} message for people: the server's own words where it had some
   * @param {{ status?: number, request?: string, retryAfterMs?: number|null }} [about] `request` names it in the server's log
   */
  constructor(code, message, { status = 0, request = '', retryAfterMs = null } = {}) {
    super(message)
    this.name = 'ApiError'
    this.code = code
    this.status = status
    this.request = request
    this.retryAfterMs = retryAfterMs
  }
}

/** @returns {ApiError} no answer came */
export function offline() {
  return new ApiError('offline', 'The server was not reached. Check the connection.')
}

/** @param {Response} response @returns {Promise<ApiError>} */
export async function errorOf(response) {
  const { status } = response
  const seconds = Number(response.headers.get('Retry-After') ?? NaN)
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null
  const body = await response.json().catch(() => null)
  const { code, message, request } = body?.error ?? {}
  if (typeof code === 'string' && typeof message === 'string') return new ApiError(code, message, { status, request: String(request ?? ''), retryAfterMs })
  return new ApiError(status >= 500 ? 'unavailable' : 'bad_answer', 'The server gave an answer that was not understood. Try again in a while.', { status, retryAfterMs })
}
