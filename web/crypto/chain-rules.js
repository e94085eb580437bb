// Which entry may follow which (docs/formats/home-chain.md, "Entry"). Pure: who signed is chain.js's question, asked with the key
// that `signerOf` names.

import { equal } from './bytes.js'
import { isOwner } from './chain-entry.js'
import { ChainRefused } from './errors.js'

/**
 * @typedef {import('./chain-entry.js').EntryBody} EntryBody
 * @typedef {import('./chain-entry.js').Slot} Slot
 * @typedef {import('./chain-entry.js').Entry} Entry
 */

/**
 * The slot whose key must have signed this entry.
 * @param {EntryBody|null} previous null for the first entry
 * @param {EntryBody} entry
 * @returns {Slot}
 */
export function signerOf(previous, entry) {
  const signer = (previous ?? entry).slots.find(({ slot }) => slot === entry.by)
  if (!signer) throw new ChainRefused('bad_signature', `${entry.by} is not in the entry before`)
  return signer
}

/** @param {EntryBody} entry @throws {ChainRefused} */
export function checkGenesis(entry) {
  const [owner] = entry.slots
  refuseIf(entry.seq !== 0 || entry.prev !== null || entry.epoch !== 1, 'rule', 'not a beginning')
  refuseIf(entry.slots.length !== 1 || !isOwner(owner) || owner.slot !== entry.by, 'rule', 'a home begins with one owner')
  refuseIf(entry.agents.length > 0, 'rule', 'a home begins without agents')
}

/**
 * Whether the entry says that it follows this one. Asked before its signature is.
 * @param {Entry} previous @param {EntryBody} entry
 * @throws {ChainRefused}
 */
export function checkLink(previous, entry) {
  refuseIf(entry.home !== previous.home, 'foreign_home', entry.home)
  refuseIf(entry.seq !== previous.seq + 1, 'malformed', `entry ${entry.seq} after ${previous.seq}`)
  refuseIf(entry.prev === null || !equal(entry.prev, previous.hash), 'fork', `entry ${entry.seq} follows another one`)
}

/**
 * A signature that does not fit is a refusal whatever else the entry says. Which part of it was altered can't be told, since an honest
 * change may stand beside: the words name all of them, the reason is the gravest.
 * @param {Entry} previous @param {EntryBody} entry
 * @returns {ChainRefused}
 */
export function whyUnsigned(previous, entry) {
  /** @type {[import('./errors.js').ChainReason, boolean, string][]} gravest first */
  const parts = [
    ['member_key', entry.slots.some((slot) => keysDiffer(previous, slot)), 'another key in somebody’s place'],
    ['epoch', entry.epoch !== previous.epoch || !equal(entry.epoch_key, previous.epoch_key), 'another key for the home'],
    ['agent_key', entry.agents.some((agent) => !isListed(previous, agent)), 'a box, or another key for one'],
    ['bad_signature', !sameGrants(previous, entry), 'other people, or other rights for them'],
  ]
  const changes = parts.filter(([, differs]) => differs)
  if (changes.length === 0) return new ChainRefused('bad_signature', `entry ${entry.seq}`)
  const what = changes.map(([, , words]) => words).join('; ')
  return new ChainRefused(changes[0][0], `entry ${entry.seq}`, `The server showed a change of this home that nobody of the home signed: ${what}. Nothing new is opened until it is put right.`)
}

/** @param {EntryBody} previous @param {Slot} after */
function keysDiffer(previous, after) {
  const before = previous.slots.find(({ slot }) => slot === after.slot)
  return before !== undefined && !(before.account === after.account && sameKeys(before, after))
}

/** @param {EntryBody} previous @param {EntryBody['agents'][number]} one */
function isListed(previous, one) {
  return previous.agents.some(({ agent, sign }) => agent === one.agent && equal(sign, one.sign))
}

/** @param {EntryBody} previous @param {EntryBody} entry */
function sameGrants(previous, entry) {
  return previous.slots.length === entry.slots.length && previous.slots.every((slot, i) => sameGrant(slot, entry.slots[i]))
}

/**
 * Whether its author may change what it changes. Asked after the signature.
 * @param {Entry} previous @param {EntryBody} entry
 * @throws {ChainRefused}
 */
export function checkNext(previous, entry) {
  checkLink(previous, entry)
  checkUnique(entry)
  refuseIf(!entry.slots.some(isOwner), 'rule', 'no owner remains')
  checkEpoch(previous, entry)
  const signer = signerOf(previous, entry)
  if (isOwner(signer)) checkByOwner(previous, entry)
  else checkByOneself(previous, entry, signer)
}

/** @param {EntryBody} entry */
function checkUnique(entry) {
  const accounts = entry.slots.flatMap(({ account }) => account ?? [])
  for (const ids of [entry.slots.map(({ slot }) => slot), accounts, entry.agents.map(({ agent }) => agent)]) {
    refuseIf(new Set(ids).size !== ids.length, 'rule', 'somebody is there twice')
  }
}

/** @param {EntryBody} previous @param {EntryBody} entry */
function checkEpoch(previous, entry) {
  const sameKey = equal(entry.epoch_key, previous.epoch_key)
  const stays = entry.epoch === previous.epoch && sameKey
  const begins = entry.epoch === previous.epoch + 1 && !sameKey
  refuseIf(!stays && !begins, 'epoch', `epoch ${entry.epoch} after ${previous.epoch}`)
  refuseIf(stays && previous.slots.some((slot) => lostReview(slot, entry)), 'epoch', 'somebody left and the key stayed')
}

/** @param {Slot} before @param {EntryBody} entry */
function lostReview(before, entry) {
  const after = entry.slots.find(({ slot }) => slot === before.slot)
  return !after || losesTo(before, after)
}

/** Review, or the home as a whole. @param {Slot} before @param {Slot} after */
export function losesTo(before, after) {
  const review = before.rights.includes('review') && !after.rights.includes('review')
  return review || (before.cameras === null && after.cameras !== null)
}

/** @param {EntryBody} previous @param {EntryBody} entry */
function checkByOwner(previous, entry) {
  for (const after of entry.slots) {
    const before = previous.slots.find(({ slot }) => slot === after.slot)
    if (!before) continue
    const own = after.slot === entry.by
    refuseIf(after.account !== before.account, 'member_key', `${after.slot} is another account`)
    refuseIf(!own && !sameKeys(before, after), 'member_key', `${after.slot} has other keys`)
  }
}

/** @param {EntryBody} previous @param {EntryBody} entry @param {Slot} signer who is no owner */
function checkByOneself(previous, entry, signer) {
  refuseIf(entry.epoch !== previous.epoch, 'epoch', 'begun by somebody who is no owner')
  refuseIf(!sameAgents(previous, entry), 'agent_key', 'changed by somebody who is no owner')
  refuseIf(entry.slots.length !== previous.slots.length, 'rule', 'changed by somebody who is no owner')
  entry.slots.forEach((after, i) => {
    const before = previous.slots[i]
    const own = after.slot === signer.slot
    refuseIf(!sameGrant(before, after), 'rule', `${after.slot} was changed by somebody who is no owner`)
    refuseIf(!own && !sameKeys(before, after), 'member_key', `${after.slot} has other keys`)
    const accepts = own && before.account === null
    refuseIf(after.account !== before.account && !accepts, 'member_key', `${after.slot} is another account`)
    refuseIf(own && after.account === null, 'rule', 'an invitation changed without being accepted')
    // Or everybody who belongs to a home could lengthen its chain without end.
    refuseIf(own && !accepts && sameKeys(before, after), 'rule', 'nothing was changed by somebody who is no owner')
  })
}

/** @param {Slot} a @param {Slot} b */
function sameKeys(a, b) {
  return equal(a.kem, b.kem) && equal(a.sign, b.sign)
}

/** @param {Slot} a @param {Slot} b */
function sameGrant(a, b) {
  /** @param {Slot} slot */
  const grant = ({ slot, rights, cameras, from, until }) => JSON.stringify([slot, rights, cameras, from, until])
  return grant(a) === grant(b)
}

/** @param {EntryBody} a @param {EntryBody} b */
function sameAgents(a, b) {
  return (
    a.agents.length === b.agents.length &&
    a.agents.every(({ agent, sign }, i) => agent === b.agents[i].agent && equal(sign, b.agents[i].sign))
  )
}

/** @param {boolean} broken @param {import('./errors.js').ChainReason} reason @param {string} detail */
function refuseIf(broken, reason, detail) {
  if (broken) throw new ChainRefused(reason, detail)
}
