// Pairing an agent: the owner's browser makes a code and an offer, the agent's answer proves that it was given the code.

import { fromB64, fromB64Of, toB64 } from './base64url.js'
import { concat, equal, random, utf8, wipe } from './bytes.js'
import { b64Of, signKey } from './checks.js'
import { inGroups, toBase32 } from './crockford.js'
import { WrongCode } from './errors.js'
import { hkdf, hmac, hmacIs, sha256 } from './hash.js'
import { id } from './ids.js'
import { nullable, oneOf, readJson, record } from './json.js'

/**
 * @typedef {import('./bytes.js').Bytes} Bytes
 * @typedef {{ agent: string, sign: Bytes }} PairAnswer
 * @typedef {object} PairingSecret
 * @property {string} code to be typed at the agent: six groups of four
 * @property {string} lookup the part that the server sees
 * @property {import('../api/types.js').NewPairing} body for the server
 * @property {Bytes} offer
 * @property {Bytes} key
 * @property {string|null} tls as the server states it
 */

const answerShape = record({ v: oneOf(1), offer: b64Of(32), agent: id('agt'), sign: signKey, tls: nullable(b64Of(32)) })

/**
 * @param {{ open: import('./home.js').OpenHome, tls: string|null }} wanted `tls` is `Service.tls`
 * @returns {Promise<PairingSecret>} good for 15 minutes and one agent
 */
export async function newPairing({ open, tls }) {
  const [lookupBytes, secret] = [random(5), random(10)]
  const lookup = toBase32(lookupBytes).toUpperCase()
  const code = inGroups(lookup + toBase32(secret).toUpperCase())
  const key = await hkdf(secret, concat(utf8('ks/pair/v1'), lookupBytes))
  wipe(secret)
  const sign = toB64(open.keys.signPublic)
  const offer = utf8(JSON.stringify({ v: 1, home: open.home, genesis: toB64(open.chain.genesis), slot: open.slot, sign, tls }))
  const mac = toB64(await hmac(key, labeled('offer', offer)))
  return { code, lookup, body: { lookup, offer: toB64(offer), mac }, offer, key, tls }
}

/**
 * @param {PairingSecret} pairing @param {import('../api/types.js').MacedAnswer} answer
 * @returns {Promise<PairAnswer>} the agent to add to the chain
 * @throws {WrongCode} when it was not made with this code, for this offer, over the same connection
 */
export async function checkAnswer({ key, offer, tls }, answer) {
  const bytes = await macedBytes(key, answer)
  let read
  try {
    read = readJson(bytes, answerShape)
  } catch (error) {
    throw refused(String(error))
  }
  if (!equal(read.offer, await sha256(offer))) throw refused('an answer to another offer')
  if (tls !== null && (read.tls === null || toB64(read.tls) !== tls)) throw refused('the agent sees another certificate')
  return { agent: read.agent, sign: read.sign }
}

/** @param {Bytes} key @param {import('../api/types.js').MacedAnswer} answer */
async function macedBytes(key, { answer, mac }) {
  let bytes
  let good = false
  try {
    bytes = fromB64(answer)
    good = await hmacIs(key, labeled('answer', bytes), fromB64Of(mac, 32))
  } catch (error) {
    throw refused(String(error))
  }
  if (!good) throw refused('HMAC')
  return bytes
}

/** @param {string} label @param {Bytes} bytes */
function labeled(label, bytes) {
  return concat(utf8(label), Uint8Array.of(0), bytes)
}

/** @param {string} detail */
function refused(detail) {
  return new WrongCode('Something answered that was not given this code. Nothing was added. Make a new code and try again.', detail)
}
