// The sealed name of a home or camera: signed by an owner or by the agent that added the camera, readable by the people of the home.

import { fromB64, toB64 } from './base64url.js'
import { concat, textOf, u32, utf8 } from './bytes.js'
import { signDocument, signedByOneOf } from './ed25519.js'
import { ChainRefused, Damaged, DidNotBelong, Locked } from './errors.js'
import { hpkeOpen, hpkeSeal } from './hpke.js'
import { id, idBytes, isId } from './ids.js'
import { integer, oneOf, readJson, record } from './json.js'
import { recipients } from './recipients.js'

/**
 * @typedef {import('./bytes.js').Bytes} Bytes
 * @typedef {import('./ed25519.js').Signed} Signed
 * @typedef {import('./chain.js').VerifiedChain} VerifiedChain
 * @typedef {import('./x25519.js').KemPair} KemPair
 */

const LABEL = 'ks/name/v1'
const CHARACTERS_MAX = 64

const shape = record({
  v: oneOf(1),
  home: id('hom'),
  subject: id('hom', 'cam'),
  epoch: integer(1, 0xffffffff),
  by: id('slt', 'agt'),
  recipients,
})

/**
 * @param {{ open: { chain: VerifiedChain, epochs: Map<number, KemPair> }, subject: string, name: Signed }} what `subject` is the home or camera whose name was asked for
 * @returns {Promise<string>}
 * @throws {DidNotBelong|Damaged|Locked|ChainRefused}
 */
export async function openName({ open: { chain, epochs }, subject, name }) {
  const sealed = read(name)
  if (sealed.home !== chain.home || sealed.subject !== subject) throw new DidNotBelong(`name of ${sealed.subject}`)
  if (sealed.epoch > chain.head.epoch) throw new Locked(`name: epoch ${sealed.epoch}`, { stale: true })
  const mayName = !(isId('agt', sealed.by) && isId('hom', subject))
  const good = mayName && (await signedByOneOf(LABEL, name, chain.signersIn(sealed.epoch, sealed.by)).catch(() => false))
  if (!good) throw new ChainRefused('bad_signature', `name by ${sealed.by}`)
  const pair = epochs.get(sealed.epoch)
  if (!pair) throw new Locked(`name: epoch ${sealed.epoch}`)
  return nameText(await hpkeOpen(pair, info(sealed), sealed.recipients[0]))
}

/**
 * @param {{ open: { chain: VerifiedChain, slot: string, keys: { sign: CryptoKey } }, subject: string, text: string }} what for the chain's newest epoch
 * @returns {Promise<Signed>}
 */
export function sealName({ open: { chain, slot, keys }, subject, text }) {
  const { home, epoch, epoch_key: epochKey } = chain.head
  return sealNameTo({ home, epoch, epochKey, by: slot, sign: keys.sign }, subject, text)
}

/**
 * @param {{ home: string, epoch: number, epochKey: Bytes, by: string, sign: CryptoKey }} owner
 * @param {string} subject @param {string} text 1 to 64 characters
 * @returns {Promise<Signed>}
 */
export async function sealNameTo({ home, epoch, epochKey, by, sign }, subject, text) {
  const name = nameText(utf8(text.trim()))
  const { enc, ct } = await hpkeSeal(epochKey, info({ home, subject, epoch }), utf8(name))
  const document = { v: 1, home, subject, epoch, by, recipients: [{ to: 'epoch', enc: toB64(enc), ct: toB64(ct) }] }
  return signDocument(LABEL, utf8(JSON.stringify(document)), sign)
}

/** @param {Signed} name */
function read(name) {
  try {
    const read = readJson(fromB64(name.body), shape)
    if (isId('hom', read.subject) && read.subject !== read.home) throw new SyntaxError('it names another home than its own')
    return read
  } catch (error) {
    throw new Damaged(String(error))
  }
}

/** @param {Bytes} bytes */
function nameText(bytes) {
  const text = textFrom(bytes)
  const length = [...text].length
  if (length < 1 || length > CHARACTERS_MAX) throw new Damaged(`a name of ${length} characters`)
  return text
}

/** @param {Bytes} bytes */
function textFrom(bytes) {
  try {
    return textOf(bytes)
  } catch {
    throw new Damaged('a name that is not UTF-8')
  }
}

/** @param {{ home: string, subject: string, epoch: number }} of */
function info({ home, subject, epoch }) {
  const subjectBytes = idBytes(subject.startsWith('hom_') ? 'hom' : 'cam', subject)
  return concat(utf8(LABEL), idBytes('hom', home), subjectBytes, u32(epoch))
}
