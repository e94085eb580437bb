// The people's API, one method per route. A `Client` holds where the server is and nothing else: no session, no cache, no state. Each method's
// last argument is `{ signal }`.

import { askBytes, askJson, path } from './request.js'

/**
 * @typedef {import('./types.js').SegmentKind} SegmentKind
 * @typedef {{ signal?: AbortSignal }} Options
 * @typedef {{ day?: string|null, camera?: string|null, unseen?: boolean, before?: string|null, limit?: number }} EventQuery
 * @typedef {{ day?: string|null, before?: string|null, limit?: number }} ViewQuery
 * @typedef {ViewQuery & { camera?: string|null }} HomeViewQuery
 */

export class Client {
  /** @param {{ base?: string, fetch?: typeof fetch, EventSource?: typeof EventSource }} [world] `base` without a slash at its end */
  constructor(world = {}) {
    const { base = '', fetch = (input, init) => globalThis.fetch(input, init) } = world
    this.way = { base, fetch }
    this.EventSource = world.EventSource ?? globalThis.EventSource
  }

  // Service and account

  /** @param {Options} [options] @returns {Promise<import('./types.js').Service>} */
  service(options) {
    return this.get('/service', options)
  }

  /** @param {string} name @param {Options} [options] @returns {Promise<import('./types.js').PasswordParameters>} for unknown names too */
  signInParameters(name, options) {
    return this.post('/sign-in/parameters', { name }, options)
  }

  /** @param {import('./types.js').SignUp} body @param {Options} [options] @returns {Promise<import('./types.js').Account>} */
  signUp(body, options) {
    return this.post('/sign-up', body, options)
  }

  /** @param {import('./types.js').SignIn} body @param {Options} [options] @returns {Promise<import('./types.js').Account>} */
  signIn(body, options) {
    return this.post('/sign-in', body, options)
  }

  /** @param {Options} [options] @returns {Promise<void>} */
  signOut(options) {
    return this.post('/sign-out', undefined, options)
  }

  /** @param {import('./types.js').RecoveryOpen} body @param {Options} [options] @returns {Promise<import('./types.js').RecoveryOpened>} */
  recoveryOpen(body, options) {
    return this.post('/recovery/open', body, options)
  }

  /** @param {import('./types.js').RecoveryReplace} body @param {Options} [options] @returns {Promise<import('./types.js').Account>} */
  recoveryReplace(body, options) {
    return this.post('/recovery/replace', body, options)
  }

  /** @param {Options} [options] @returns {Promise<import('./types.js').Account>} */
  account(options) {
    return this.get('/account', options)
  }

  /** @param {import('./types.js').PasswordChange} body @param {Options} [options] @returns {Promise<void>} */
  changePassword(body, options) {
    return this.put('/account/password', body, options)
  }

  /** @param {import('./types.js').RecoveryChange} body @param {Options} [options] @returns {Promise<void>} */
  changeRecovery(body, options) {
    return this.put('/account/recovery', body, options)
  }

  /** @param {import('./types.js').KeysReplace} body @param {Options} [options] @returns {Promise<import('./types.js').Account>} */
  replaceKeys(body, options) {
    return this.put('/account/keys', body, options)
  }

  /** @param {Options} [options] @returns {Promise<import('./types.js').Session[]>} */
  sessions(options) {
    return this.get('/account/sessions', options)
  }

  /** @param {string} session @param {Options} [options] @returns {Promise<void>} */
  endSession(session, options) {
    return this.delete(path`/account/sessions/${session}`, options)
  }

  /** Every one but this. @param {Options} [options] @returns {Promise<void>} */
  endOtherSessions(options) {
    return this.delete('/account/sessions', options)
  }

  // Homes and their people

  /** @param {Options} [options] @returns {Promise<import('./types.js').Home[]>} */
  homes(options) {
    return this.get('/homes', options)
  }

  /** @param {import('./types.js').NewHome} body @param {Options} [options] @returns {Promise<import('./types.js').Home>} */
  createHome(body, options) {
    return this.post('/homes', body, options)
  }

  /** @param {string} home @param {Options} [options] @returns {Promise<import('./types.js').Home>} */
  home(home, options) {
    return this.get(path`/homes/${home}`, options)
  }

  /** @param {string} home @param {import('./types.js').HomeSettings} body @param {Options} [options] @returns {Promise<void>} */
  setHomeSettings(home, body, options) {
    return this.put(path`/homes/${home}/settings`, body, options)
  }

  /** @param {string} home @param {import('./types.js').Signed} name @param {Options} [options] @returns {Promise<void>} */
  setHomeName(home, name, options) {
    return this.put(path`/homes/${home}/name`, { name }, options)
  }

  /** @param {string} home @param {Options} [options] @returns {Promise<void>} */
  leaveHome(home, options) {
    return this.delete(path`/homes/${home}/people/me`, options)
  }

  /** @param {string} home @param {boolean} on @param {Options} [options] @returns {Promise<void>} */
  setLockdown(home, on, options) {
    return this.put(path`/homes/${home}/lockdown`, { on }, options)
  }

  /** @param {string} home @param {number|null} [after] @param {Options} [options] @returns {Promise<import('./types.js').Chain>} */
  chain(home, after, options) {
    return askJson(this.way, path`/homes/${home}/chain`, { query: { after }, ...options })
  }

  /** @param {string} home @param {import('./types.js').ChainAppend} body @param {Options} [options] @returns {Promise<import('./types.js').ChainHead>} */
  appendChain(home, body, options) {
    return this.post(path`/homes/${home}/chain`, body, options)
  }

  /** @param {string} home @param {Options} [options] @returns {Promise<import('./types.js').People>} */
  people(home, options) {
    return this.get(path`/homes/${home}/people`, options)
  }

  /** @param {import('./types.js').InvitationOpen} body @param {Options} [options] @returns {Promise<import('./types.js').InvitationOpened>} */
  openInvitation(body, options) {
    return this.post('/invitations/open', body, options)
  }

  /** @param {import('./types.js').InvitationAccept} body @param {Options} [options] @returns {Promise<import('./types.js').ChainHead>} */
  acceptInvitation(body, options) {
    return this.post('/invitations/accept', body, options)
  }

  // Agents and cameras

  /** @param {string} home @param {import('./types.js').NewPairing} body @param {Options} [options] @returns {Promise<import('./types.js').Pairing>} */
  createPairing(home, body, options) {
    return this.post(path`/homes/${home}/pairings`, body, options)
  }

  /** @param {string} home @param {string} lookup @param {Options} [options] @returns {Promise<import('./types.js').Pairing>} */
  pairing(home, lookup, options) {
    return this.get(path`/homes/${home}/pairings/${lookup}`, options)
  }

  /** @param {string} home @param {Options} [options] @returns {Promise<import('./types.js').Agent[]>} */
  agents(home, options) {
    return this.get(path`/homes/${home}/agents`, options)
  }

  /** @param {string} home @param {Options} [options] @returns {Promise<import('./types.js').Camera[]>} */
  cameras(home, options) {
    return this.get(path`/homes/${home}/cameras`, options)
  }

  /** @param {string} home @param {string} camera @param {import('./types.js').Signed} name @param {Options} [options] @returns {Promise<void>} */
  setCameraName(home, camera, name, options) {
    return this.put(path`/homes/${home}/cameras/${camera}/name`, { name }, options)
  }

  /** @param {string} home @param {string} camera @param {boolean} on @param {Options} [options] @returns {Promise<void>} */
  switchCamera(home, camera, on, options) {
    return this.put(path`/homes/${home}/cameras/${camera}/switch`, { on }, options)
  }

  /** Takes a camera out for good; its Events stay until retention. @param {string} home @param {string} camera @param {Options} [options] @returns {Promise<void>} */
  deleteCamera(home, camera, options) {
    return this.delete(path`/homes/${home}/cameras/${camera}`, options)
  }

  // Events

  /** @param {string} home @param {EventQuery} [query] @param {Options} [options] @returns {Promise<import('./types.js').EventPage>} */
  events(home, query, options) {
    return askJson(this.way, path`/homes/${home}/events`, { query: query ?? {}, ...options })
  }

  /** @param {string} home @param {string} camera @param {string} event @param {Options} [options] @returns {Promise<import('./types.js').EventDetail>} */
  event(home, camera, event, options) {
    return this.get(path`/homes/${home}/cameras/${camera}/events/${event}`, options)
  }

  /** @param {string} home @param {string} camera @param {string} event @param {boolean} kept @param {Options} [options] @returns {Promise<void>} */
  setKept(home, camera, event, kept, options) {
    return this.put(path`/homes/${home}/cameras/${camera}/events/${event}/kept`, { kept }, options)
  }

  /** @param {string} home @param {string} camera @param {string} event @param {Options} [options] @returns {Promise<void>} */
  deleteEvent(home, camera, event, options) {
    return this.delete(path`/homes/${home}/cameras/${camera}/events/${event}`, options)
  }

  /** @param {string} home @param {string} camera @param {string} event @param {Options} [options] @returns {Promise<void>} */
  markSeen(home, camera, event, options) {
    return this.put(path`/homes/${home}/cameras/${camera}/events/${event}/seen`, undefined, options)
  }

  /**
   * @param {string} home @param {string} camera @param {string} event @param {SegmentKind} kind @param {number} number
   * @param {import('./types.js').Purpose} purpose @param {Options} [options]
   * @returns {Promise<Uint8Array<ArrayBuffer>>} sealed
   */
  segment(home, camera, event, kind, number, purpose, options) {
    const at = path`/homes/${home}/cameras/${camera}/events/${event}/segments/${kind}/${number}`
    return askBytes(this.way, at, { query: { purpose }, ...options })
  }

  /** @param {string} home @param {HomeViewQuery} [query] @param {Options} [options] @returns {Promise<import('./types.js').ViewPage>} */
  views(home, query, options) {
    return askJson(this.way, path`/homes/${home}/views`, { query: query ?? {}, ...options })
  }

  /** @param {string} home @param {string} camera @param {string} event @param {ViewQuery} [query] @param {Options} [options] @returns {Promise<import('./types.js').ViewPage>} */
  eventViews(home, camera, event, query, options) {
    return askJson(this.way, path`/homes/${home}/cameras/${camera}/events/${event}/views`, { query: query ?? {}, ...options })
  }

  /** @param {string} at @param {Options} [options] */
  get(at, options) {
    return askJson(this.way, at, { ...options })
  }

  /** @param {string} at @param {unknown} body @param {Options} [options] */
  post(at, body, options) {
    return askJson(this.way, at, { method: 'POST', body, ...options })
  }

  /** @param {string} at @param {unknown} body @param {Options} [options] */
  put(at, body, options) {
    return askJson(this.way, at, { method: 'PUT', body, ...options })
  }

  /** @param {string} at @param {Options} [options] */
  delete(at, options) {
    return askJson(this.way, at, { method: 'DELETE', ...options })
  }
}
