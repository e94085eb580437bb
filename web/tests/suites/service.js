// The API client: paths, errors, aborts, the update stream, and appending to a chain against somebody quicker.

import { Backoff, wait } from '../../api/backoff.js'
import { Client } from '../../api/client.js'
import { ApiError } from '../../api/errors.js'
import { aroundEpoch, changeHome, joinHome, loadHome, sealedNames } from '../../api/home.js'
import { replaceKeys } from '../../api/keys.js'
import { once } from '../../api/once.js'
import { watchUpdates } from '../../api/updates.js'
import { inviteMember, removeSlot, rotate } from '../../crypto/chain-build.js'
import { acceptInvitation, readInvitationLink } from '../../crypto/invitation.js'
import { newKeys } from '../../crypto/new-keys.js'
import { memoryPins } from '../../crypto/pins.js'
import { Household, someKeys } from '../support/household.js'
import { ok, refused, refusedAs, same, until } from '../support/assert.js'

/** @param {(url: string, init: any) => Response|Promise<Response>} answer */
function clientWith(answer) {
  /** @type {{ url: string, init: any }[]} */
  const asked = []
  const fetch = /** @type {any} */ (async (/** @type {string} */ url, /** @type {any} */ init) => {
    asked.push({ url, init })
    return answer(url, init)
  })
  return { asked, client: new Client({ fetch, EventSource: /** @type {any} */ (Stream) }) }
}

/** @param {unknown} body @param {number} [status] @param {Record<string, string>} [headers] */
function json(body, status = 200, headers = {}) {
  return new Response(JSON.stringify(body), { status, headers })
}

/** An EventSource whose messages the test sends. */
class Stream extends EventTarget {
  /** @type {Stream[]} */
  static open = []
  /** @param {string} url */
  constructor(url) {
    super()
    this.url = url
    this.closed = false
    Stream.open.push(this)
  }
  close() {
    this.closed = true
  }
  /** @param {unknown} update */
  send(update) {
    this.dispatchEvent(Object.assign(new Event('update'), { data: JSON.stringify(update) }))
  }
}

/** @type {import('./index.js').Suite} */
export const service = {
  name: 'service',
  tests: {
    async 'ids cannot reach out of their place in a path'() {
      const { client, asked } = clientWith(() => json({}))
      await client.event('../../account', 'a/b?c#d', 'e')
      same(asked[0].url, '/api/v1/homes/..%2F..%2Faccount/cameras/a%2Fb%3Fc%23d/events/e')
      same(asked[0].init.credentials, 'same-origin')
      same([asked[0].init.cache, asked[0].init.redirect], ['no-store', 'error'])
    },
    async 'queries leave out what is not asked for'() {
      const { client, asked } = clientWith(() => json({ events: [], gaps: [], next: null }))
      await client.events('h', { day: '2024-02-16', camera: null, unseen: false, before: 'a b', limit: 50 })
      await client.chain('h', 0)
      await client.chain('h')
      same(asked.map(({ url }) => url), ['/api/v1/homes/h/events?day=2024-02-16&before=a+b&limit=50', '/api/v1/homes/h/chain?after=0', '/api/v1/homes/h/chain'])
    },
    async 'bodies are JSON, segments are bytes, empty answers are nothing'() {
      const { client, asked } = clientWith((url) => (url.includes('segments') ? new Response(Uint8Array.of(1, 2, 3)) : new Response(null, { status: 204 })))
      same(await client.setLockdown('h', true), null)
      same([asked[0].init.method, asked[0].init.body, asked[0].init.headers['Content-Type']], ['PUT', '{"on":true}', 'application/json'])
      same([...(await client.segment('h', 'c', 'e', 'video', 3, 'download'))], [1, 2, 3])
      ok(asked[1].url.endsWith('/segments/video/3?purpose=download'))
      await client.signOut()
      same(asked[2].init.body, undefined)
    },
    async 'errors keep their code, words, request and the wait that was asked for'() {
      const body = { error: { code: 'lockdown', message: 'Viewing is stopped.', request: 'r1' } }
      const error = await refusedAs(clientWith(() => json(body, 403, { 'Retry-After': '7' })).client.homes(), 'lockdown')
      same([error.message, error.status, error.request, error.retryAfterMs], ['Viewing is stopped.', 403, 'r1', 7000])
      await refusedAs(clientWith(() => new Response('<html>', { status: 502 })).client.homes(), 'unavailable')
      await refusedAs(clientWith(() => new Response('<html>', { status: 404 })).client.homes(), 'bad_answer')
      await refusedAs(clientWith(() => new Response('<html>')).client.homes(), 'bad_answer')
      await refusedAs(clientWith(() => Promise.reject(new TypeError('fetch failed'))).client.homes(), 'offline')
    },
    async 'an abort is an abort and not a fault'() {
      const stop = new AbortController()
      const { client } = clientWith((_url, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new TypeError('aborted')))))
      const asking = client.homes({ signal: stop.signal })
      stop.abort(new Error('the page is gone'))
      same((await refused(asking)).message, 'the page is gone')
      const waiting = wait(60_000, stop.signal)
      same((await refused(waiting)).message, 'the page is gone')
    },
    'waits grow, jitter, end, and never fall below what was asked for'() {
      const backoff = new Backoff()
      const waits = Array.from({ length: 200 }, () => backoff.next())
      ok(waits[0] <= 500 && waits.every((ms) => ms >= 0 && ms <= 30_000) && new Set(waits).size > 100)
      ok(Math.max(...waits) > 20_000, 'the bound grows')
      ok(backoff.next(5000) >= 5000)
      backoff.reset()
      ok(backoff.next() <= 500)
    },
    async 'the update stream opens again after a break, and ends when access does'() {
      Stream.open = []
      /** @type {string[]} */
      const seen = []
      const stop = new AbortController()
      const { client } = clientWith(() => json({ lockdown: false }))
      const watching = watchUpdates(client, 'h', { signal: stop.signal, onUpdate: ({ kind }) => seen.push(kind), onState: (state) => seen.push(state) })
      Stream.open[0].send({ kind: 'hello' })
      Stream.open[0].send({ kind: 'event', camera: 'c', event: 'e', fresh: true })
      Stream.open[0].send({ kind: 'of a later server' })
      Stream.open[0].dispatchEvent(new Event('error'))
      await until(() => Stream.open.length === 2, 'opened again')
      ok(Stream.open[0].closed, 'the first was closed')
      Stream.open[1].send({ kind: 'ended' })
      same(await watching, 'ended')
      same(seen, ['open', 'hello', 'event', 'waiting'])
      ok(Stream.open[1].closed)
    },
    async 'a stream that is refused says why by an ordinary request'() {
      for (const [code, ending] of [['not_found', 'ended'], ['sign_in_needed', 'signed_out']]) {
        Stream.open = []
        const { client } = clientWith(() => json({ error: { code, message: '', request: '' } }, 404))
        const watching = watchUpdates(client, 'h', { signal: new AbortController().signal, onUpdate() {} })
        Stream.open[0].dispatchEvent(new Event('error'))
        same(await watching, ending)
        Stream.open = []
        const ended = watchUpdates(client, 'h', { signal: new AbortController().signal, onUpdate() {} })
        Stream.open[0].send({ kind: 'ended' })
        same(await ended, ending)
      }
      Stream.open = []
      const { client } = clientWith(() => json({ lockdown: true }))
      const watching = watchUpdates(client, 'h', { signal: new AbortController().signal, onUpdate() {} })
      Stream.open[0].dispatchEvent(new Event('error'))
      same(await watching, 'lockdown')
    },
    async 'a watch that is aborted closes its stream'() {
      Stream.open = []
      const stop = new AbortController()
      const watching = watchUpdates(clientWith(() => json({})).client, 'h', { signal: stop.signal, onUpdate() {} })
      stop.abort(new Error('gone'))
      same((await refused(watching)).message, 'gone')
      ok(Stream.open[0].closed)
    },
    async 'an append that lost against another one is built again on what is there now'() {
      const elm = await Household.found()
      let quicker = true
      const { client } = clientWith(async (url, { method, body }) => {
        if (method === 'GET') return json(elm.chain())
        if (quicker) {
          quicker = false
          await elm.pair()
          return json({ error: { code: 'conflict', message: '', request: '' } }, 409)
        }
        elm.take(JSON.parse(body))
        return json({ seq: 0, hash: '' })
      })
      const open = await loadHome(client, { home: { home: elm.home }, ...elm.owner })
      let built = 0
      const after = await changeHome(client, { open, pins: elm.owner.pins }, async (now) => {
        built += 1
        return (await inviteMember({ open: now, rights: 'member', publicUrl: '' })).body
      })
      same([built, after.chain.seq, after.chain.head.slots.length, after.chain.head.agents.length], [2, 2, 2, 1])
    },
    async 'what somebody quicker has done is not done again'() {
      const elm = await Household.found()
      const { client, asked } = clientWith(async (url, { method }) => {
        if (method === 'GET') return json(elm.chain())
        elm.take(await rotate({ open: await elm.open(), names: [] }))
        return json({ error: { code: 'conflict', message: '', request: '' } }, 409)
      })
      const after = await changeHome(client, { open: await elm.open(), pins: elm.owner.pins }, async (open) => (open.chain.head.epoch > 1 ? null : rotate({ open, names: [] })))
      same([after.chain.head.epoch, asked.filter(({ init }) => init.method === 'POST').length], [2, 1])
    },
    async 'an invitation into a home that changed meanwhile is accepted on what is there now'() {
      const elm = await Household.found()
      const { link, opened } = await elm.invite()
      const secret = await readInvitationLink(link)
      const person = { keys: await someKeys(), pins: memoryPins() }
      let tries = 0
      const { client } = clientWith(async (url, { body }) => {
        if (url.endsWith('/open')) return json({ ...opened, entries: [...elm.entries] })
        if ((tries += 1) === 1) {
          await elm.pair()
          return json({ error: { code: 'conflict', message: '', request: '' } }, 409)
        }
        const { entry, sealed } = JSON.parse(body)
        elm.entries.push(entry)
        elm.packages[0].sealed.push({ slot: secret.slot, ...sealed })
        return json({ seq: 3, hash: '' })
      })
      await joinHome(client, { secret, ...person })
      same([tries, (await elm.open(person)).rights], [2, ['live', 'review', 'download']])
    },
    async 'what is refused for another reason is not tried again'() {
      const elm = await Household.found()
      const { client, asked } = clientWith(() => json({ error: { code: 'not_allowed', message: '', request: '' } }, 403))
      const oak = await elm.join()
      const open = await elm.open()
      await refusedAs(changeHome(client, { open, pins: elm.owner.pins }, (now) => removeSlot({ open: now, slot: oak.slot, names: [] })), 'not_allowed')
      same(asked.length, 1)
    },
    async 'a conflict although nobody was quicker is what it says, at once'() {
      const elm = await Household.found()
      const { client, asked } = clientWith((_url, { method }) => (method === 'GET' ? json(elm.chain()) : json({ error: { code: 'conflict', message: 'The limit of members is reached.', request: '' } }, 409)))
      const open = await elm.open()
      const build = async (/** @type {any} */ now) => (await inviteMember({ open: now, rights: 'member', publicUrl: '' })).body
      same((await refusedAs(changeHome(client, { open, pins: elm.owner.pins }, build), 'conflict')).message, 'The limit of members is reached.')
      same(asked.length, 2)
    },
    async 'keys are replaced in every home at once, built again when one moved, and one that can’t take part is left'() {
      const elm = await Household.found()
      const [theirs, shut] = [await Household.found(), await Household.found()]
      const { link, slot, opened } = await theirs.invite()
      const accepted = await acceptInvitation({ secret: await readInvitationLink(link), opened, ...elm.owner })
      theirs.entries.push(accepted.entry)
      theirs.packages.at(-1).sealed.push({ slot, ...accepted.sealed })
      const made = await newKeys({ account: elm.owner.keys.account, password: 'slate on the roof' })
      let [puts, lost] = [0, false]
      const { client } = clientWith(async (url, { method, body }) => {
        if (method === 'PUT') {
          if ((puts += 1) === 1) {
            await theirs.pair()
            return json({ error: { code: 'conflict', message: '', request: '' } }, 409)
          }
          for (const { home, change } of JSON.parse(body).homes) [elm, theirs].find((one) => one.home === home)?.take(change)
          lost = true
          throw new TypeError('the line went dead')
        }
        if (url.endsWith('/account')) return json({ wrapped: lost ? made.password.wrapped : '' })
        if (url.endsWith('/homes')) return json([elm, theirs, shut].map(({ home }) => ({ home })))
        if (url.includes(shut.home)) return json({ error: { code: 'not_allowed', message: 'suspended', request: '' } }, 403)
        const at = url.includes(elm.home) ? elm : theirs
        if (url.endsWith('/chain')) return json(at.chain())
        if (url.endsWith('/people')) return json({ members: [], invitations: [] })
        return json(url.endsWith('/cameras') ? [] : { name: at.name })
      })
      /** @type {string[]} */
      const told = []
      const { account, left, named } = await replaceKeys(client, { made, old: elm.owner.keys, pins: elm.owner.pins, onHome: ({ home, state }) => told.push(`${[elm, theirs, shut].findIndex((one) => one.home === home)} ${state}`) })
      same([puts, left, account.wrapped], [2, [shut.home], made.password.wrapped])
      same(named, [elm.home, theirs.home, shut.home])
      same(told.slice(-6), ['0 reading', '0 ready', '1 reading', '1 ready', '2 reading', '2 left'])
      const present = { keys: made.keys, pins: memoryPins() }
      same([[...(await elm.open(present)).epochs.keys()].sort(), [...(await theirs.open(present)).epochs.keys()]], [[1, 2], [1]])
    },
    async 'keys that the server refused, or that stay unknown, are an error'() {
      const elm = await Household.found()
      const made = await newKeys({ account: elm.owner.keys.account, password: 'slate on the roof' })
      let dead = false
      const { client } = clientWith((url, { method }) => {
        if (method === 'PUT' && dead) throw new TypeError('the line went dead')
        if (method === 'PUT') return json({ error: { code: 'bad_request', message: '', request: '' } }, 400)
        return json(url.endsWith('/homes') ? [] : { wrapped: 'the old keys' })
      })
      const given = { made, old: elm.owner.keys, pins: elm.owner.pins }
      await refusedAs(replaceKeys(client, given), 'bad_request')
      dead = true
      await refusedAs(replaceKeys(client, given), 'offline')
    },
    async 'a sign-up whose answer got lost is not sent again: what it made is signed in to'() {
      const made = { name: 'elm', password: /** @type {any} */ ({ login: 'l', wrapped: 'w' }) }
      /** @type {string[]} */
      const asked = []
      let [there, dead] = [false, true]
      const { client } = clientWith((url, { method, body }) => {
        const path = url.slice('/api/v1'.length)
        asked.push(`${method} ${path}`)
        if (path === '/sign-up' && there) return json({ error: { code: 'conflict', message: 'That name is taken.', request: '' } }, 409)
        if (path === '/sign-up') there = true
        if (dead) throw new TypeError('the line went dead')
        if (path === '/sign-in') same(JSON.parse(body), { name: 'elm', login: 'l' })
        return json({ wrapped: 'w' })
      })
      const signUp = once(client, (body) => client.signUp(/** @type {any} */ (body)))
      await refusedAs(signUp(made), 'offline')
      dead = false
      same((await signUp({ ...made, name: 'a name typed since' })).wrapped, 'w')
      same(asked, ['POST /sign-up', 'POST /sign-in', 'POST /sign-in', 'DELETE /account/sessions'])
    },
    async 'a sign-up that never arrived is sent again, and one that is refused is refused at once'() {
      const made = { name: 'elm', password: /** @type {any} */ ({ login: 'l', wrapped: 'w' }) }
      const fault = (/** @type {string} */ code) => json({ error: { code, message: '', request: '' } }, 400)
      let ups = 0
      const { client, asked } = clientWith((url) => {
        if (url.endsWith('/sign-in')) return fault('wrong_sign_in')
        if ((ups += 1) === 1) throw new TypeError('the line went dead')
        return ups === 2 ? json({ wrapped: 'w' }) : fault('conflict')
      })
      const signUp = once(client, (body) => client.signUp(/** @type {any} */ (body)))
      await refusedAs(signUp(made), 'offline')
      same((await signUp(made)).wrapped, 'w')
      same(asked.length, 4)
      await refusedAs(once(client, (body) => client.signUp(/** @type {any} */ (body)))(made), 'conflict')
      same(asked.length, 5)
    },
    async 'sealed names are the home’s and all cameras’'() {
      const { client } = clientWith((url) => json(url.endsWith('cameras') ? [{ name: 'b' }, { name: 'c' }] : { name: 'a' }))
      same(await sealedNames(client, 'h'), ['a', 'b', 'c'])
      const people = { members: [{ slot: 'elm' }], invitations: [{ slot: 'open', lapsed: false }, { slot: 'old', lapsed: true }] }
      const { client: whole } = clientWith((url) => json(url.endsWith('people') ? people : url.endsWith('cameras') ? [] : { name: 'a' }))
      same(await aroundEpoch(whole, 'h'), { names: ['a'], listed: ['elm', 'open'] })
      ok(new ApiError('x', '') instanceof Error)
    },
  },
}
