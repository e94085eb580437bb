// What the sealed side refuses, each with its own name and words for people. Pages show `message`; programs look at `kind`.

/**
 * @typedef {'bad_signature'|'member_key'|'own_key'|'agent_key'|'foreign_agent'|'epoch'|'rollback'|'fork'|'foreign_home'|'foreign_genesis'|'invented_home'|'not_invited'|'not_a_member'|'malformed'|'rule'} ChainReason
 * @typedef {'locked'|'damaged'|'did_not_belong'|'chain_refused'|'wrong_password'|'wrong_code'|'bad_link'} RefusalKind
 */

/** Everything under `crypto/` that refuses throws one of these. */
export class Refusal extends Error {
  /**
   * @param {RefusalKind} kind
   * @param {string} message for people
   * @param {string} [detail] for the console
   */
  constructor(kind, message, detail) {
    super(message)
    this.name = new.target.name
    this.kind = kind
    this.detail = detail ?? ''
  }
}

/** No key on this device opens it. */
export class Locked extends Refusal {
  /**
   * @param {string} [detail]
   * @param {{ stale?: boolean }} [why] `stale`: it is of a newer epoch than the chain that was read; reading the home again may open it
   */
  constructor(detail, { stale = false } = {}) {
    super('locked', 'This is locked on this device. Open it on a device you already use.', detail)
    this.stale = stale
  }
}

/** The bytes do not open, or what they hold is not what the format says. */
export class Damaged extends Refusal {
  /** @param {string} [detail] */
  constructor(detail) {
    super('damaged', 'This part could not be opened. It may be damaged or changed.', detail)
  }
}

/** What came states another home, camera, Event, kind or number than what was asked for. */
export class DidNotBelong extends Refusal {
  /** @param {string} [detail] */
  constructor(detail) {
    super('did_not_belong', 'One item did not belong to this home and was not shown.', detail)
  }
}

/** @type {Record<ChainReason, string>} */
const CHAIN_WORDS = {
  bad_signature: 'The list of people of this home was not signed by one of its owners. Nothing new is opened until it is put right.',
  member_key: 'Somebody’s key in this home was replaced by another one without them. Nothing new is opened until it is put right.',
  own_key: 'This home still knows other keys of yours than this device has. Open it on the device where you replaced your keys, or ask an owner to remove you and invite you again.',
  agent_key: 'A box of this home was added, or its key was replaced, without an owner. Nothing new is opened until it is put right.',
  foreign_agent: 'This came from a box that no owner of this home added. It was not opened.',
  epoch: 'The key of this home was replaced by another one without an owner. Nothing new is opened until it is put right.',
  rollback: 'The server showed an older list of people of this home than this device has seen before. Nothing new is opened until it is put right.',
  fork: 'The server tells two different stories of this home: who belonged to it is not what this device has seen before. Nothing new is opened until it is put right.',
  foreign_home: 'The server answered with the list of people of another home. It was not used.',
  foreign_genesis: 'This is not the home that this device knows, although it has the same address. It was not used.',
  invented_home: 'This is not the home that you were invited to, although the server says so. You did not join it, and nothing was opened. Tell the person who invited you.',
  not_invited: 'This invitation was used already, or it was taken back. Ask for a new link.',
  not_a_member: 'The list of people of this home does not name you. Ask an owner of the home.',
  malformed: 'The list of people of this home is damaged or was changed. Nothing new is opened until it is put right.',
  rule: 'The list of people of this home was changed in a way that is not allowed. Nothing new is opened until it is put right.',
}

/** The home's chain breaks a rule, or is not the one this device knows. */
export class ChainRefused extends Refusal {
  /**
   * @param {ChainReason} reason
   * @param {string} [detail]
   * @param {string} [message] where more is known than the reason
   */
  constructor(reason, detail, message) {
    super('chain_refused', message ?? CHAIN_WORDS[reason], detail)
    this.reason = reason
  }
}

/** The keys did not open under this password. */
export class WrongPassword extends Refusal {
  /** @param {string} [detail] */
  constructor(detail) {
    super('wrong_password', 'This password does not open your keys.', detail)
  }
}

/** A recovery or pairing code that was mistyped, or an answer that was not made with it. */
export class WrongCode extends Refusal {
  /** @param {string} message @param {string} [detail] */
  constructor(message, detail) {
    super('wrong_code', message, detail)
  }
}

/** An invitation's link that is cut off, of the form before, or not one of ours. */
export class BadLink extends Refusal {
  /** @param {string} [message] */
  constructor(message = 'This link is not complete. Ask for it again, and open all of it.') {
    super('bad_link', message)
  }
}
