// Homes: made, joined, left; and every way in which a server could show another one.

import { addAgent, changeRights, handOver, inviteMember, removeAgent, removeSlot, rotate } from '../../crypto/chain-build.js'
import { fromB64, toB64 } from '../../crypto/base64url.js'
import { random, textOf, utf8 } from '../../crypto/bytes.js'
import { ChainRefused } from '../../crypto/errors.js'
import { signDocument, signPairOf } from '../../crypto/ed25519.js'
import { hmac, sha256 } from '../../crypto/hash.js'
import { openEpochs } from '../../crypto/epoch.js'
import { ownPair } from '../../crypto/home.js'
import { newId } from '../../crypto/ids.js'
import { acceptInvitation, invitationLink, invitedHomeName, readInvitationLink } from '../../crypto/invitation.js'
import { openName, sealName } from '../../crypto/name.js'
import { checkAnswer, newPairing } from '../../crypto/pairing.js'
import { memoryPins } from '../../crypto/pins.js'
import { pairOf } from '../../crypto/x25519.js'
import { extendChain } from '../../crypto/chain.js'
import { Household, inventedHome, someKeys } from '../support/household.js'
import { ok, refusedAs, same } from '../support/assert.js'

/** What the words for people never say. */
const JARGON = /epoch|hpke|cipher|token|decrypt|rotation|signature|hash|slot|chain/i

/** @param {Household} household @param {import('../../crypto/errors.js').ChainReason} reason */
async function refusedHome(household, reason) {
  const error = await refusedAs(household.open(), 'chain_refused', reason)
  ok(error.message.length > 20 && !JARGON.test(error.message), error.message)
}

/** An honest entry that adds a box, altered under a signature that no longer fits. @param {Household} elm @param {(entry: any) => void} change */
async function lie(elm, change) {
  const before = elm.entries.length
  await elm.pair()
  elm.alter(before, (entry) => { entry.agents.at(-1).sign = toB64(random(32)); change(entry) })
  const error = await refusedAs(elm.open({ keys: elm.owner.keys, pins: memoryPins() }), 'chain_refused')
  elm.entries = elm.entries.slice(0, before)
  return error
}

/** @type {import('./index.js').Suite} */
export const homes = {
  name: 'homes',
  tests: {
    async 'a home opens again from what the server keeps'() {
      const elm = await Household.found('12 Elm Street')
      const open = await elm.open()
      same(open.rights, ['live', 'review', 'download', 'manage', 'delete'])
      same(await openName({ open, subject: elm.home, name: elm.name }), '12 Elm Street')
      await elm.open({ keys: elm.owner.keys, pins: memoryPins() })
    },
    async 'an invitation shows the name and lets its holder in, once'() {
      const elm = await Household.found()
      const { link, opened } = await elm.invite()
      const secret = await readInvitationLink(link)
      same(await invitedHomeName({ secret, opened }), '12 Elm Street')
      ok(!link.slice(0, link.indexOf('#')).includes(secret.slot), 'nothing stands before the #')
      const oak = await elm.join()
      const open = await elm.open(oak)
      same(open.rights, ['live', 'review', 'download'])
      same(await openName({ open, subject: elm.home, name: elm.name }), '12 Elm Street')
      const later = { ...opened, entries: elm.entries }
      await acceptInvitation({ secret, opened: later, keys: await someKeys(), pins: memoryPins() })
      elm.entries.push((await acceptInvitation({ secret, opened: later, keys: await someKeys(), pins: memoryPins() })).entry)
      await refusedAs(acceptInvitation({ secret, opened: { ...opened, entries: elm.entries }, keys: await someKeys(), pins: memoryPins() }), 'chain_refused', 'not_invited')
    },
    async 'a home that the server invented for somebody invited is refused, and nothing of it is kept'() {
      const elm = await Household.found()
      const { link, slot, opened } = await elm.invite()
      const invented = await inventedHome(await elm.open(), slot, '12 Elm Street')
      const secret = await readInvitationLink(link)
      const oak = { keys: await someKeys(), pins: memoryPins() }
      const error = await refusedAs(invitedHomeName({ secret, opened: invented }), 'chain_refused', 'invented_home')
      ok(/not the home that you were invited to/.test(error.message) && !JARGON.test(error.message), error.message)
      await refusedAs(acceptInvitation({ secret, opened: invented, ...oak }), 'chain_refused', 'invented_home')
      same(await oak.pins.get(elm.home), null)
      // The beginning in the link is all that tells the two apart: a link that named the invented one would be believed.
      const fooled = await readInvitationLink(invitationLink('', { ...secret, genesis: await sha256(fromB64(invented.entries[0].body)) }, fromB64(link.split('.').at(-2) ?? '')))
      same(await invitedHomeName({ secret: fooled, opened: invented }), '12 Elm Street')
      await refusedAs(invitedHomeName({ secret: fooled, opened }), 'chain_refused', 'invented_home')
      await acceptInvitation({ secret, opened, ...oak })
      same(toB64((await oak.pins.get(elm.home)).genesis), toB64(secret.genesis), 'the beginning is kept')
      await refusedAs(acceptInvitation({ secret: fooled, opened: invented, ...oak }), 'chain_refused', 'foreign_genesis')
    },
    async 'a link that is cut off or of something else is refused'() {
      const elm = await Household.found()
      const { link } = await elm.invite()
      for (const text of ['', '#', link.slice(0, -1), link.replace('hom_', 'cam_'), `${link}.x`, `${link}=`, link.slice(0, link.lastIndexOf('.'))]) {
        await refusedAs(readInvitationLink(text), 'bad_link')
      }
      ok(/new link/.test((await refusedAs(readInvitationLink(link.slice(0, link.lastIndexOf('.'))), 'bad_link')).message), 'the form before')
    },
    async 'an invitation whose place holds other keys is refused'() {
      const elm = await Household.found()
      const [one, other] = [await elm.invite(), await elm.invite()]
      const secret = await readInvitationLink(one.link)
      const swapped = { ...secret, slot: other.slot, ticket: { ...secret.ticket, slot: other.slot } }
      await refusedAs(invitedHomeName({ secret: swapped, opened: other.opened }), 'chain_refused', 'not_invited')
      const rotated = { ...one.opened, entries: elm.entries, epoch: 2 }
      await refusedAs(invitedHomeName({ secret, opened: rotated }), 'chain_refused', 'epoch')
    },
    async 'somebody removed cannot open what comes after, and still could what came before'() {
      const elm = await Household.found()
      const oak = await elm.join()
      const before = await elm.open(oak)
      elm.take(await removeSlot({ open: await elm.open(), slot: oak.slot, names: [elm.name] }))
      await refusedAs(elm.open(oak), 'chain_refused', 'not_a_member')
      const after = await elm.open()
      same([...after.epochs.keys()].sort(), [1, 2])
      const renamed = await sealName({ open: after, subject: elm.home, text: 'Elm, renamed' })
      same(await openName({ open: after, subject: elm.home, name: renamed }), 'Elm, renamed')
      const withAllKeys = { chain: after.chain, epochs: before.epochs }
      await refusedAs(openName({ open: withAllKeys, subject: elm.home, name: renamed }), 'locked')
      const stolen = new Map([...before.epochs, [2, /** @type {any} */ (before.epochs.get(1))]])
      await refusedAs(openName({ open: { chain: after.chain, epochs: stolen }, subject: elm.home, name: renamed }), 'damaged')
    },
    async 'removing seals the names anew, and is not held up by one that is damaged'() {
      const elm = await Household.found()
      const open = await elm.open()
      const hall = await sealName({ open, subject: newId('cam'), text: 'Hall' })
      const oak = await elm.join()
      const body = await removeSlot({ open: await elm.open(), slot: oak.slot, names: [elm.name, { ...hall, signature: elm.name.signature }, hall] })
      same(body.names.length, 2)
      elm.take(body)
      same(await openName({ open: await elm.open(), subject: elm.home, name: body.names[0] }), '12 Elm Street')
    },
    async 'those who stay open the new epoch, those who come later all of them'() {
      const elm = await Household.found()
      const [oak, ash] = [await elm.join(), await elm.join()]
      elm.take(await removeSlot({ open: await elm.open(), slot: oak.slot, names: [] }))
      same([...(await elm.open(ash)).epochs.keys()].sort(), [1, 2])
      const yew = await elm.join()
      same([...(await elm.open(yew)).epochs.keys()].sort(), [1, 2])
      elm.take(await rotate({ open: await elm.open(), names: [] }))
      same((await elm.open(yew)).chain.head.epoch, 3)
    },
    async 'a member’s new keys open the home at once, the old ones nothing that is sealed after the next epoch'() {
      const elm = await Household.found()
      const oak = await elm.join()
      const [before, keys] = [await elm.open(oak), { ...(await someKeys()), account: oak.keys.account }]
      ok(!before.chain.replacedKeys(oak.slot))
      const body = await handOver({ open: before, keys, names: [] })
      same([body.epoch, body.names], [null, []])
      elm.take(body)
      const present = { keys, pins: memoryPins() }
      const open = await elm.open(present)
      same([...open.epochs.keys()], [1])
      ok(open.chain.replacedKeys(oak.slot) && !open.chain.replacedKeys((await elm.open()).slot), 'everybody sees whose keys were replaced')
      await refusedAs(elm.open(oak), 'chain_refused', 'own_key')
      elm.take(await rotate({ open: await elm.open(), names: [elm.name] }))
      same([...(await elm.open(present)).epochs.keys()].sort(), [1, 2])
      const after = await elm.open()
      const renamed = await sealName({ open: after, subject: elm.home, text: 'Elm, renamed' })
      const stolen = { chain: after.chain, epochs: await openEpochs(after.chain, elm.packages, { slot: oak.slot, pair: ownPair(oak.keys) }) }
      same([...stolen.epochs.keys()], [], 'what is kept for the old key is gone')
      await refusedAs(openName({ open: { chain: after.chain, epochs: before.epochs }, subject: elm.home, name: renamed }), 'locked')
    },
    async 'an owner’s new keys begin a new epoch, with the names sealed to it'() {
      const elm = await Household.found()
      const oak = await elm.join()
      const keys = { ...(await someKeys()), account: elm.owner.keys.account }
      const body = await handOver({ open: await elm.open(), keys, names: [elm.name] })
      same([body.resealed, body.epoch?.epoch, body.names.length], [null, 2, 1])
      elm.take(body)
      const open = await elm.open({ keys, pins: elm.owner.pins })
      same([...open.epochs.keys()].sort(), [1, 2])
      same(await openName({ open, subject: elm.home, name: body.names[0] }), '12 Elm Street')
      same(await openName({ open: await elm.open(oak), subject: elm.home, name: body.names[0] }), '12 Elm Street')
      await refusedAs(elm.open(), 'chain_refused', 'own_key')
    },
    async 'a home that could not take part opens with the keys from before until it has the others'() {
      const elm = await Household.found()
      const old = elm.owner.keys
      const keys = { ...(await someKeys()), account: old.account, previous: [old] }
      const open = await elm.open({ keys, pins: memoryPins() })
      ok(open.keys === old, 'it is open with those that stand in it')
      elm.take(await handOver({ open, keys, names: [elm.name] }))
      ok((await elm.open({ keys, pins: memoryPins() })).keys === keys)
    },
    async 'a due rotation leaves out who has left'() {
      const elm = await Household.found()
      const [oak, ash] = [await elm.join(), await elm.join()]
      const { slot } = await elm.open()
      elm.take(await rotate({ open: await elm.open(), names: [], listed: [slot, ash.slot] }))
      await refusedAs(elm.open(oak), 'chain_refused', 'not_a_member')
      await elm.open(ash)
    },
    async 'an invitation that has lapsed gets no new epoch, whatever begins it; an open one does'() {
      const elm = await Household.found()
      const [oak, { slot }] = [await elm.join('owner'), await elm.open()]
      const [lapsed, open] = [await elm.invite(), await elm.invite()]
      const listed = [slot, oak.slot, open.slot]
      const keys = { ...(await someKeys()), account: elm.owner.keys.account }
      const bodies = [
        await rotate({ open: await elm.open(), names: [], listed }),
        await removeSlot({ open: await elm.open(), slot: oak.slot, names: [], listed }),
        await changeRights({ open: await elm.open(), slot: oak.slot, rights: 'member', names: [], listed }),
        await handOver({ open: await elm.open(), keys, names: [], listed }),
      ]
      for (const { entry, epoch } of bodies) {
        const placed = JSON.parse(textOf(fromB64(entry.body))).slots.map((/** @type {any} */ one) => one.slot)
        if (!epoch) continue
        const sealed = epoch.sealed.map((/** @type {any} */ one) => one.slot)
        same([placed.includes(lapsed.slot), sealed.includes(lapsed.slot)], [false, false])
        same([placed.includes(open.slot), sealed.includes(open.slot)], [true, true])
      }
      same(bodies.filter(({ epoch }) => epoch).length, 3)
    },
    async 'rights change, and the last owner stays'() {
      const elm = await Household.found()
      const oak = await elm.join()
      elm.take(await changeRights({ open: await elm.open(), slot: oak.slot, rights: 'owner', names: [] }))
      ok((await elm.open(oak)).rights.includes('manage'))
      elm.take(await changeRights({ open: await elm.open(oak), slot: oak.slot, rights: 'member', names: [] }))
      const open = await elm.open()
      await refusedAs(changeRights({ open, slot: open.slot, rights: 'member', names: [] }), 'chain_refused', 'rule')
    },
    async 'a member cannot build what only an owner may'() {
      const elm = await Household.found()
      const oak = await elm.join()
      const open = await elm.open(oak)
      await refusedAs(inviteMember({ open, rights: 'member', publicUrl: '' }), 'chain_refused')
      await refusedAs(removeSlot({ open, slot: (await elm.open()).slot, names: [] }), 'chain_refused')
      await refusedAs(addAgent({ open, answer: { agent: newId('agt'), sign: random(32) }, lookup: '' }), 'chain_refused', 'agent_key')
    },
    async 'agents come and go'() {
      const elm = await Household.found()
      const { agent } = await elm.pair()
      same((await elm.open()).chain.head.agents.map((one) => one.agent), [agent])
      elm.take(await removeAgent({ open: await elm.open(), agent }))
      same((await elm.open()).chain.head.agents, [])
    },
    async 'a substituted member key is refused'() {
      const elm = await Household.found()
      const oak = await elm.join()
      await elm.pair()
      const mine = toB64((await pairOf(random(32))).publicKey)
      elm.alter(3, (entry) => (entry.slots.find((/** @type {any} */ one) => one.slot === oak.slot).kem = mine))
      await refusedHome(elm, 'member_key')
    },
    async 'a substituted agent key is refused'() {
      const elm = await Household.found()
      await elm.pair()
      elm.alter(1, (entry) => (entry.agents[0].sign = toB64(random(32))))
      await refusedHome(elm, 'agent_key')
    },
    async 'a change that nobody signed is named by all that it brings'() {
      const elm = await Household.found()
      const { message: ofBox } = await lie(elm, () => {})
      ok(/: a box, or another key for one\./.test(ofBox), ofBox)
      const { reason, message } = await lie(elm, (entry) => { entry.epoch = 2; entry.epoch_key = toB64(random(32)) })
      same(reason, 'epoch')
      ok(/: another key for the home; a box, or another key for one\./.test(message), message)
      const rights = await lie(elm, (entry) => { entry.slots[0].from += 1 })
      ok(/a box, or another key for one; other people, or other rights for them\./.test(rights.message), rights.message)
      for (const words of [ofBox, message, rights.message]) ok(!JARGON.test(words), words)
    },
    async 'a substituted epoch is refused, in the chain and in its package'() {
      const elm = await Household.found()
      elm.take(await rotate({ open: await elm.open(), names: [] }))
      elm.alter(1, (entry) => (entry.epoch_key = toB64(random(32))))
      await refusedHome(elm, 'epoch')
      const yew = await Household.found()
      const other = await Household.found()
      yew.packages = [{ ...yew.packages[0], sealed: other.packages[0].sealed }]
      same([...(await yew.open()).epochs.keys()], [], 'sealed to another home: locked')
    },
    async 'a rollback is refused, a longer chain is not'() {
      const elm = await Household.found()
      await elm.pair()
      await elm.open()
      const [first] = elm.entries
      const all = elm.entries
      elm.entries = [first]
      await refusedHome(elm, 'rollback')
      elm.entries = []
      await refusedHome(elm, 'rollback')
      elm.entries = all
      await elm.open()
    },
    async 'a fork is refused'() {
      const elm = await Household.found()
      const [first] = elm.entries
      await elm.pair()
      await elm.open()
      elm.entries = [first]
      const fresh = { keys: elm.owner.keys, pins: memoryPins() }
      const other = await addAgent({ open: await elm.open(fresh), answer: { agent: newId('agt'), sign: random(32) }, lookup: '' })
      elm.take(other)
      await refusedHome(elm, 'fork')
    },
    async 'another home, and another one of the same name, are refused'() {
      const [elm, oak] = [await Household.found(), await Household.found()]
      const { entries } = elm
      elm.entries = oak.entries
      await refusedHome(elm, 'foreign_home')
      elm.entries = entries
      const pins = memoryPins()
      await pins.raise(elm.home, { genesis: random(32), seq: 0, hash: random(32) })
      await refusedAs(elm.open({ keys: elm.owner.keys, pins }), 'chain_refused', 'foreign_genesis')
    },
    async 'one’s own place with other keys is refused'() {
      const elm = await Household.found()
      const other = await someKeys()
      await refusedAs(elm.open({ keys: { ...other, account: elm.owner.keys.account }, pins: memoryPins() }), 'chain_refused', 'own_key')
      await refusedAs(elm.open({ keys: other, pins: memoryPins() }), 'chain_refused', 'not_a_member')
    },
    async 'entries are read on from where one was'() {
      const elm = await Household.found()
      const { chain } = await elm.open()
      await elm.pair()
      same((await extendChain(chain, elm.entries.slice(1))).seq, 1)
      ok((await refusedAs(extendChain(chain, elm.entries), 'chain_refused', 'malformed')) instanceof ChainRefused)
    },
    async 'a name stays with what it names, and with who may give it'() {
      const elm = await Household.found()
      const agent = await elm.pair()
      const open = await elm.open()
      const [hall, door] = [newId('cam'), newId('cam')]
      const name = await sealName({ open, subject: hall, text: '  Hall ' })
      same(await openName({ open, subject: hall, name }), 'Hall')
      await refusedAs(openName({ open, subject: door, name }), 'did_not_belong')
      const oak = await Household.found()
      await refusedAs(openName({ open, subject: oak.home, name: oak.name }), 'did_not_belong')
      await refusedAs(openName({ open: await oak.open(), subject: hall, name }), 'did_not_belong')
      const forged = { ...open, slot: agent.agent, keys: { sign: agent.sign.privateKey } }
      await refusedAs(openName({ open, subject: elm.home, name: await sealName({ open: forged, subject: elm.home, text: 'Mine' }) }), 'chain_refused', 'bad_signature')
      same(await openName({ open, subject: hall, name: await sealName({ open: forged, subject: hall, text: 'Yard' }) }), 'Yard')
      const member = await elm.join()
      const theirs = await sealName({ open: await elm.open(member), subject: hall, text: 'No' })
      await refusedAs(openName({ open: await elm.open(), subject: hall, name: theirs }), 'chain_refused', 'bad_signature')
      for (const text of ['', '   ', 'x'.repeat(65)]) await refusedAs(async () => sealName({ open, subject: hall, text }), 'damaged')
    },
    async 'pairing takes the answer that was made with its code, and no other'() {
      const elm = await Household.found()
      const tls = toB64(random(32))
      const pairing = await newPairing({ open: await elm.open(), tls })
      ok(/^([0-9A-Z]{4}-){5}[0-9A-Z]{4}$/.test(pairing.code) && pairing.code.replaceAll('-', '').startsWith(pairing.lookup), pairing.code)
      const sign = (await signPairOf(random(32))).publicKey
      const fields = { v: 1, offer: toB64(await sha256(pairing.offer)), agent: newId('agt'), sign: toB64(sign), tls }
      const answerOf = async (/** @type {any} */ document, key = pairing.key, label = 'answer\0') => {
        const bytes = utf8(JSON.stringify(document))
        return { answer: toB64(bytes), mac: toB64(await hmac(key, new Uint8Array([...utf8(label), ...bytes]))) }
      }
      same((await checkAnswer(pairing, await answerOf(fields))).agent, fields.agent)
      await refusedAs(checkAnswer(pairing, await answerOf(fields, random(32))), 'wrong_code')
      await refusedAs(checkAnswer(pairing, await answerOf(fields, pairing.key, 'offer\0')), 'wrong_code')
      await refusedAs(checkAnswer(pairing, await answerOf({ ...fields, offer: toB64(random(32)) })), 'wrong_code')
      await refusedAs(checkAnswer(pairing, await answerOf({ ...fields, tls: null })), 'wrong_code')
      await refusedAs(checkAnswer(pairing, await answerOf({ ...fields, tls: toB64(random(32)) })), 'wrong_code')
      await refusedAs(checkAnswer(pairing, await answerOf({ ...fields, more: 1 })), 'wrong_code')
      const { answer } = await answerOf(fields)
      await refusedAs(checkAnswer(pairing, { answer, mac: 'x' }), 'wrong_code')
    },
    async 'a signature counts under its own label only'() {
      const elm = await Household.found()
      const body = elm.entries[0].body
      const bytes = Uint8Array.from(atob(body.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
      elm.entries = [await signDocument('ks/name/v1', bytes, elm.owner.keys.sign)]
      await refusedHome(elm, 'bad_signature')
    },
  },
}
