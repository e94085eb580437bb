// What the pages decide without a DOM: which page stands where, what times are called, and what the list of Events believes of a server.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decide, demoSignIn } from '../app/decide.js'
import { EventList } from '../app/event-list.js'
import { Session } from '../app/session.js'
import { errorWords } from '../app/states.js'
import { ApiError } from '../api/errors.js'
import { removeSlot } from '../crypto/chain-build.js'
import { placeOf } from '../ui/router.js'
import * as time from '../ui/time.js'
import { bytes, gapWords, rightsWords } from '../ui/words.js'
import { handOver } from '../crypto/chain-build.js'
import { Keystore } from '../crypto/keystore.js'
import { memoryPins } from '../crypto/pins.js'
import { Household, someKeys } from './support/household.js'
import { Recording } from './support/recording.js'

const at = (path, { hash = '', search = '' } = {}) => [placeOf(path), { hash, search }]
const service = (over = {}) => ({ version: '1', sign_up: 'invitation', setup_needed: false, demo: false, tls: null, now: 0, ...over })
const open = (homes) => ({ name: 'open', service: service(), session: { homes: Array(homes).fill({}) } })

describe('which page stands where', () => {
  test('an address of an Event carries home, camera and Event', () => {
    assert.deepEqual(placeOf('/events/hom_1/cam_2/evt_3').params, { home: 'hom_1', camera: 'cam_2', event: 'evt_3' })
    assert.equal(placeOf('/events/').name, 'events')
    for (const path of ['/events/hom_1', '/nothing', '/api/v1/homes']) assert.equal(placeOf(path).name, 'missing')
  })

  test('signed out, a page of a home leads to signing in and back', () => {
    const state = { name: 'signed_out', service: service() }
    assert.deepEqual(decide(state, ...at('/people')), { to: '/sign-in?next=%2Fpeople' })
    assert.deepEqual(decide(open(1), ...at('/sign-in', { search: '?next=%2Fpeople' })), { to: '/people' })
  })

  test('after signing in nobody is led to another site', () => {
    for (const next of ['https://evil.example', '//evil.example', '/\\evil.example', '/sign-in']) {
      assert.deepEqual(decide(open(1), ...at('/sign-in', { search: `?next=${encodeURIComponent(next)}` })), { to: '/events' }, next)
    }
  })

  test('before the first account there is set-up only', () => {
    const state = { name: 'signed_out', service: service({ setup_needed: true }) }
    for (const path of ['/', '/sign-in', '/sign-up', '/events', '/recover']) assert.deepEqual(decide(state, ...at(path)), { page: 'ks-set-up-page', frame: 'gate' }, path)
  })

  test('without keys every page of a home is locked', () => {
    const state = { name: 'locked', service: service(), account: {} }
    for (const path of ['/', '/events', '/events/hom_1/cam_2/evt_3', '/cameras', '/people', '/account', '/set-up']) {
      assert.deepEqual(decide(state, ...at(path)), { page: 'ks-unlock-page', frame: 'gate' }, path)
    }
  })

  test('while the server has not heard of the sign-out, every page says so', () => {
    for (const path of ['/', '/events', '/sign-in', '/join']) {
      assert.deepEqual(decide({ name: 'leaving', error: new Error('offline') }, ...at(path)), { page: 'ks-not-out-page', frame: 'gate' })
    }
  })

  test('who belongs to no home is told so, and can begin one, join one, or leave', () => {
    const removed = { ...open(0), session: { homes: [{ ended: true }] } }
    for (const state of [open(0), removed]) {
      for (const path of ['/', '/events', '/events/hom_1/cam_2/evt_3', '/people', '/sign-in', '/recover']) {
        assert.deepEqual(decide(state, ...at(path)), { page: 'ks-no-home-page', frame: 'gate' }, path)
      }
      assert.deepEqual(decide(state, ...at('/set-up')), { page: 'ks-set-up-page', frame: 'gate' })
      assert.deepEqual(decide(state, ...at('/join')), { page: 'ks-join-page', frame: 'gate' })
      assert.deepEqual(decide(state, ...at('/account')), { page: 'ks-account-page', frame: 'shell' })
    }
    assert.deepEqual(decide(open(0), ...at('/sign-up')), { to: '/set-up' }, 'who has just signed up goes on')
  })

  test('who was taken out of one home and belongs to another goes on there', () => {
    const state = { ...open(0), session: { homes: [{ ended: true }, { ended: false }] } }
    assert.deepEqual(decide(state, ...at('/events')), { page: 'ks-events-page', frame: 'shell' })
  })

  test('a demo link signs in on a demo, and nobody who is signed in', () => {
    const signedOut = { name: 'signed_out', service: service({ demo: true }) }
    assert.deepEqual(demoSignIn(signedOut, 'demo=oak:x:y'), { name: 'oak', password: 'x:y' })
    for (const demo of [false, undefined]) assert.equal(demoSignIn({ name: 'signed_out', service: service({ demo }) }, 'demo=oak:x'), null)
    assert.equal(demoSignIn(signedOut, 'else=oak:x'), null)
    const locked = { name: 'locked', service: service({ demo: true }), account: {} }
    const opened = { ...open(1), service: service({ demo: true }) }
    for (const state of [locked, opened]) assert.equal(demoSignIn(state, 'demo=oak:x'), null)
    assert.deepEqual(decide(opened, ...at('/sign-in', { hash: '#demo=oak:x' })), { to: '/events' })
    assert.deepEqual(decide(locked, ...at('/sign-in', { hash: '#demo=oak:x' })), { page: 'ks-unlock-page', frame: 'gate' })
  })
})

describe('times are the home’s', () => {
  const midnight = Date.UTC(2026, 0, 1, 0, 30)

  test('a day begins where the home is', () => {
    assert.equal(time.dayKey(midnight, 'Europe/Berlin'), '2026-01-01')
    assert.equal(time.dayKey(midnight, 'America/New_York'), '2025-12-31')
    assert.equal(time.clock(midnight, 'Europe/Berlin'), '01:30:00')
    assert.equal(time.clock(midnight, 'America/New_York'), '19:30:00')
  })

  test('midnight is 00, not 24', () => {
    assert.equal(time.clock(Date.UTC(2026, 6, 1, 22), 'Europe/Berlin'), '00:00:00')
  })

  test('today and yesterday hold across the change to summer time', () => {
    const now = Date.parse('2026-03-29T12:00:00+02:00') // the night before had 23 hours
    assert.equal(time.dayWords('2026-03-29', 'Europe/Berlin', now), 'Today')
    assert.equal(time.dayWords('2026-03-28', 'Europe/Berlin', now), 'Yesterday')
    assert.match(time.dayWords('2026-03-27', 'Europe/Berlin', now), /27/)
    const early = Date.parse('2026-03-30T00:10:00+02:00')
    assert.equal(time.dayWords('2026-03-29', 'Europe/Berlin', early), 'Yesterday')
    assert.equal(time.dayWords('2026-03-28', 'Europe/Berlin', early).includes('28'), true)
  })

  test('lengths and spans', () => {
    assert.equal(time.length(14_400), '0:14')
    assert.equal(time.length(3_727_000), '1:02:07')
    assert.equal(time.span(1000), '1 second')
    assert.equal(time.span(3 * 3_600_000), '3 hours')
  })
})

describe('words', () => {
  test('sizes', () => assert.deepEqual([bytes(0), bytes(999), bytes(1500), bytes(20e9)].map((text) => text.replace(',', '.')), ['0 bytes', '999 bytes', '2 KB', '20 GB']))
  test('rights', () => {
    assert.match(rightsWords(['live', 'review', 'download', 'manage', 'delete']), /^Owner/)
    assert.equal(rightsWords(['review', 'download']), 'Can open and download videos')
    assert.equal(rightsWords(['live']), 'Can’t open videos')
  })
  test('a reason that a later server adds is still a gap', () => assert.match(gapWords(/** @type {any} */ ('new_reason')), /not known/))
  test('what a fault of our own says is not put before people', () => {
    const told = console.error
    console.error = () => {}
    assert.doesNotMatch(errorWords(new TypeError('x is undefined')), /undefined/)
    console.error = told
    assert.equal(errorWords(new ApiError('conflict', 'That name is taken.')), 'That name is taken.')
    assert.match(errorWords(new ApiError('offline', 'x')), /can’t be reached/)
  })
})

/** A home with a recording, and a server that answers with what `pages` holds. */
async function listOf({ filter = {} } = {}) {
  const household = await Household.found()
  const agent = await household.pair()
  const opened = await household.open()
  const client = { asked: [], page: { events: [], gaps: [], next: null }, async events(home, query) { this.asked.push({ home, ...query }); return structuredClone(this.page) } }
  const home = { id: household.home, zone: 'Europe/Berlin', opened, session: { client } }
  const record = async (filed) => ({ ...(await Recording.begin({ open: opened.chain ? opened : { chain: opened.chain }, agent })).row, filed })
  return { household, client, record, list: new EventList(/** @type {any} */ (home), filter) }
}

/** A session of the household's owner, with a server that lists what `rows` holds. */
async function sessionOf() {
  const household = await Household.found()
  const { keys, pins } = household.owner
  const row = { home: household.home, slot: (await household.open()).slot, rights: (await household.open()).rights, name: household.name, time_zone: 'Europe/Berlin', chain_seq: 0, lockdown: false, rotation_due: false, restored: null }
  const server = { rows: [row] }
  const client = {
    homes: async () => structuredClone(server.rows), home: async () => structuredClone(server.rows[0]), chain: async () => household.chain(),
    people: async () => ({ members: [], invitations: [] }),
    appendChain: async (/** @type {string} */ _, /** @type {any} */ body) => { household.take(body); server.rows[0].chain_seq = household.entries.length - 1 },
    cameras: async () => [], EventSource: class extends EventTarget { close() {} },
  }
  const keystore = await Keystore.open({ shared: true })
  await keystore.save(keys)
  const session = new Session(/** @type {any} */ ({ client, account: { account: keys.account }, keys, pins, keystore }))
  await session.loadHomes()
  return { household, client, server, session, keystore }
}

describe('the homes of a session', () => {
  test('a home that one was taken out of is gone, and what it was called is kept to say so', async () => {
    const { server, session } = await sessionOf()
    assert.equal(session.current?.name, '12 Elm Street')
    server.rows = []
    await session.loadHomes()
    assert.deepEqual([session.homes.length, session.current, session.former], [0, null, '12 Elm Street'])
    session.end()
  })

  test('a home that one was let into again is open again', async () => {
    const { session } = await sessionOf()
    const [before] = session.homes
    before.ended = true
    await session.loadHomes()
    assert.equal(session.homes.length, 1)
    assert.equal(session.current?.ended, false)
    assert.ok(before.signal.aborted)
    session.end()
  })

  test('a home in which new keys can’t be made is open all the same, and whoever is in the way can be removed', async () => {
    const told = console.error
    console.error = () => {}
    const { household, client, server, session } = await sessionOf()
    const oak = await household.join()
    const slots = async () => (await household.open()).chain.head.slots.map(({ slot }) => slot)
    server.rows[0].rotation_due = true
    client.people = async () => { throw new DOMException('small-order point', 'OperationError') }
    await session.loadHomes()
    const [home] = session.homes
    assert.ok(home.opened, home.troubleWords)
    assert.equal(home.trouble, null)
    assert.ok(home.overdue)
    await home.change(async (open) => removeSlot({ open, slot: oak.slot, names: [household.name] }))
    assert.deepEqual(await slots(), [home.opened.slot])
    server.rows[0].rotation_due = false
    await home.refresh()
    assert.deepEqual([home.overdue, home.opened.chain.head.epoch], [null, 2])
    console.error = told
    session.end()
  })
})

describe('keys that were replaced', () => {
  /** The owner's keys replaced in a home that could not take part. */
  async function replaced() {
    const { server, session, household, keystore } = await sessionOf()
    const keys = { ...(await someKeys()), account: household.owner.keys.account }
    server.rows = []
    await session.takeKeys(/** @type {any} */ ({ account: keys.account }), keys, [household.home])
    return { server, session, household, kept: async () => (await keystore.load(keys.account)).previous.length, row: { home: household.home, rights: ['review'], name: household.name } }
  }

  test('stay on the device while a list of homes does not name the home that they stand in', async () => {
    const { session, kept } = await replaced()
    assert.equal(await kept(), 1)
    await session.loadHomes()
    assert.equal(await kept(), 1)
    session.end()
  })

  test('go once that home is open with the new ones', async () => {
    const { server, session, household, row, kept } = await replaced()
    household.take(await handOver({ open: await household.open(), keys: session.keys, names: [household.name] }))
    server.rows = [{ ...row, slot: (await household.open({ keys: session.keys, pins: memoryPins() })).slot }]
    await session.loadHomes()
    assert.equal(session.current?.name, '12 Elm Street')
    assert.equal(await kept(), 0)
    session.end()
  })
})

const signal = new AbortController().signal

describe('the list of Events', () => {
  test('shows what was checked, newest first, with the gaps between', async () => {
    const { client, record, list } = await listOf()
    const [a, b] = [await record(2000), await record(1000)]
    client.page = { events: [a, b], gaps: [{ gap: 'gap_1', camera: a.camera, from: 1500, until: 1600, reason: 'agent_off' }], next: 'more' }
    const items = await list.read(signal)
    assert.deepEqual(items.map((item) => item.kind === 'gap' ? item.gap.gap : item.row.event), [a.event, 'gap_1', b.event])
    assert.ok(items.every((item) => item.kind === 'gap' || item.opened))
    assert.equal(list.more, true)
    client.page = { events: [b], gaps: client.page.gaps, next: null }
    assert.deepEqual(await list.read(signal), [], 'what is there already comes no second time')
    assert.equal(client.asked[1].before, 'more')
    assert.equal(list.more, false)
  })

  test('a gap of days stands where it ended, so that days come in order and once', async () => {
    const { client, record, list } = await listOf()
    const day = 86_400_000
    const at = Date.parse('2026-03-10T12:00:00Z')
    const [a, b, c, d] = await Promise.all([at, at - day, at - 2 * day, at - 3 * day].map(record))
    const gaps = [{ gap: 'gap_1', camera: 'cam_1', from: at - 3 * day - 1, until: at - 1, reason: 'camera_not_reached' }, { gap: 'gap_2', camera: 'cam_2', from: at - 9 * day, until: at - 2 * day - 1, reason: 'agent_off' }]
    client.page = { events: [a, b], gaps: gaps.slice(0, 1), next: 'more' }
    const first = await list.read(signal)
    client.page = { events: [c, d], gaps, next: null }
    const all = [...first, ...await list.read(signal)]
    assert.deepEqual(all.map((item) => item.kind === 'gap' ? item.gap.gap : item.row.event), [a.event, 'gap_1', b.event, c.event, 'gap_2', d.event])
    const headings = all.map((item) => time.dayKey(item.at, 'Europe/Berlin')).filter((key, i, keys) => key !== keys[i - 1])
    assert.deepEqual(headings, ['2026-03-10', '2026-03-09', '2026-03-08', '2026-03-07'])
  })

  test('of a day that is asked for, a gap that goes on stands on that day', async () => {
    for (const [day, last] of [['2026-03-29', '2026-03-29T21:59:59.999Z'], ['2026-10-25', '2026-10-25T22:59:59.999Z']]) { // the clocks change on these
      const { client, list } = await listOf({ filter: { day } })
      client.page = { events: [], gaps: [{ gap: 'gap_1', camera: 'cam_1', from: 0, until: Date.parse(last) + 5 * 86_400_000, reason: 'agent_off' }], next: null }
      assert.deepEqual((await list.read(signal)).map((item) => new Date(item.at).toISOString()), [last])
      assert.equal(time.dayKey(Date.parse(last) + 1, 'Europe/Berlin') > day, true)
    }
  })

  test('more gaps than come at once are not passed over in silence', async () => {
    const { client, list } = await listOf()
    const gaps = Array.from({ length: 500 }, (_, i) => ({ gap: `gap_${i}`, camera: 'cam_1', from: i, until: i + 1000, reason: 'camera_not_reached' }))
    client.page = { events: [], gaps, next: null }
    const items = await list.read(signal)
    assert.deepEqual([items.length, items.at(-1)], [501, { kind: 'more-gaps', at: 1000 }])
    client.page = { events: [], gaps: gaps.slice(1), next: null }
    assert.equal((await list.read(signal)).length, 0)
  })

  test('looking again counts new gaps and renews those that have grown', async () => {
    const { client, record, list } = await listOf()
    const gap = { gap: 'gap_1', camera: 'cam_1', from: 10, until: 20, reason: 'camera_not_reached' }
    client.page = { events: [await record(3000)], gaps: [gap], next: null }
    await list.read(signal)
    client.page.gaps = [{ ...gap, until: 30 }, { ...gap, gap: 'gap_2' }]
    const look = await list.look(signal)
    assert.deepEqual([look.changedGaps.map(({ gap: { until } }) => until), look.arrivedGaps], [[30], 1])
    assert.equal((await list.look(signal)).arrivedGaps, 1, 'it is still to be seen')
  })

  test('leaves out and counts what belongs to another home, by the row or by the header', async () => {
    const { client, record, list } = await listOf()
    const stranger = await listOf()
    const [mine, foreign, other] = [await record(3000), await stranger.record(2000), await record(1000)]
    client.page = { events: [mine, foreign, { ...other, header: foreign.header }], gaps: [], next: null }
    const items = await list.read(signal)
    assert.deepEqual(items.map((item) => item.kind === 'event' && item.row.event), [mine.event])
    assert.equal(list.foreign.size, 2)
  })

  test('keeps what is damaged as a tile without anything opened', async () => {
    const { client, record, list } = await listOf()
    const row = await record(1000)
    client.page = { events: [{ ...row, header: { ...row.header, signature: row.header.signature.replace(/^./, (c) => c === 'A' ? 'B' : 'A') } }], gaps: [], next: null }
    const [item] = await list.read(signal)
    assert.equal(item.kind, 'event')
    assert.equal(item.kind === 'event' && item.opened, null)
    assert.ok(item.kind === 'event' && item.error)
  })

  test('looking again renews what is known, counts what is new, names what is gone', async () => {
    const { client, record, list } = await listOf()
    const [a, b, c] = [await record(3000), await record(2000), await record(4000)]
    client.page = { events: [a, b], gaps: [], next: null }
    await list.read(signal)
    client.page = { events: [c, { ...a, kept: true }], gaps: [], next: null }
    const { changed, arrived, gone } = await list.look(signal)
    assert.deepEqual(changed.map(({ row }) => [row.event, row.kept]), [[a.event, true]])
    assert.equal(arrived, 1)
    assert.deepEqual(gone, [b.event])
  })

  test('what has been opened does not vanish from the list of new ones under the reader', async () => {
    const { client, record, list } = await listOf({ filter: { unseen: true } })
    client.page = { events: [await record(3000)], gaps: [], next: null }
    await list.read(signal)
    client.page = { events: [], gaps: [], next: null }
    assert.deepEqual((await list.look(signal)).gone, [])
  })
})
