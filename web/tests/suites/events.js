// Events: what belongs to what was asked for is opened, all else is refused by name.

import { random } from '../../crypto/bytes.js'
import { newId } from '../../crypto/ids.js'
import { signPairOf } from '../../crypto/ed25519.js'
import { removeAgent, rotate } from '../../crypto/chain-build.js'
import { openEvent } from '../../media/event.js'
import { openPreview } from '../../media/preview.js'
import { Thumbnails } from '../../media/thumbs.js'
import { isPartLost, passes, stateOf } from '../../media/state.js'
import { ApiError } from '../../api/errors.js'
import { Locked } from '../../crypto/errors.js'
import { Household } from '../support/household.js'
import { Recording, someCard } from '../support/recording.js'
import { ok, refused, refusedAs, same, until } from '../support/assert.js'

/** A home with an agent and an Event of some parts. @param {(header: any) => void} [change] */
async function someEvent(change) {
  const home = await Household.found()
  const agent = await home.pair()
  const open = await home.open()
  const recording = await Recording.begin({ open, agent, ...(change && { change }) })
  await recording.seal('video', 0, random(100))
  await recording.seal('video', 1, random(100))
  await recording.seal('thumbnail', 0, random(50))
  await recording.seal('preview', 0, random(50))
  await recording.sealJson('card', 0, someCard())
  await recording.close()
  return { home, agent, open, recording }
}

/** @param {{ open: any, recording: Recording }} what @param {any} [row] */
function opening({ open, recording }, row = recording.row) {
  return openEvent({ client: recording.client, open, row })
}

/** @type {import('./index.js').Suite} */
export const events = {
  name: 'events',
  tests: {
    async 'an Event opens with its card and trailer, for a member too'() {
      const { home, recording, open } = await someEvent()
      const opened = await opening({ open, recording })
      same((await opened.card()).duration_ms, 6000)
      same((await opened.trailer()).counts.video, 2)
      await opened.card()
      same(recording.asked.filter((name) => name === 'card/0').length, 1, 'the card is fetched once')
      const oak = await home.join()
      same((await (await opening({ open: await home.open(oak), recording })).card()).label, 'motion')
    },
    async 'an Event of an epoch before opens for who is in the home now'() {
      const { home, recording } = await someEvent()
      home.take(await rotate({ open: await home.open(), names: [] }))
      await (await opening({ open: await home.open(), recording })).card()
    },
    async 'an Event of a newer epoch asks for the home to be read again'() {
      const { home, agent } = await someEvent()
      const before = await home.open()
      home.take(await rotate({ open: before, names: [] }))
      const recording = await Recording.begin({ open: await home.open(), agent })
      ok((await refusedAs(opening({ open: before, recording }), 'locked')).stale, 'stale')
      await opening({ open: await home.open(), recording })
    },
    async 'a row, a header or a home of somebody else does not belong'() {
      const [mine, theirs] = [await someEvent(), await someEvent()]
      const { row } = mine.recording
      await refusedAs(opening(mine, { ...theirs.recording.row }), 'did_not_belong')
      await refusedAs(opening(mine, { ...row, header: theirs.recording.row.header }), 'did_not_belong')
      for (const [part, prefix] of /** @type {const} */ ([['camera', 'cam'], ['event', 'evt'], ['home', 'hom']])) {
        await refusedAs(opening(mine, { ...row, [part]: newId(prefix) }), 'did_not_belong')
      }
    },
    async 'a header by an agent of nobody, or changed, is refused'() {
      const { open, recording } = await someEvent()
      const stranger = { agent: newId('agt'), sign: await signPairOf(random(32)) }
      await refusedAs(opening({ open, recording: await Recording.begin({ open, agent: stranger }) }), 'chain_refused', 'foreign_agent')
      const known = open.chain.head.agents[0].agent
      const forged = await Recording.begin({ open, agent: { agent: known, sign: stranger.sign } })
      await refusedAs(opening({ open, recording: forged }), 'damaged')
      await refusedAs(opening({ open, recording: Object.assign(recording, { signed: { body: '!', signature: '' } }) }), 'damaged')
    },
    async 'an agent that was taken out signs nothing more, and what it signed before stays'() {
      const { home, agent, recording } = await someEvent()
      home.take(await removeAgent({ open: await home.open(), agent: agent.agent }))
      home.take(await rotate({ open: await home.open(), names: [] }))
      const open = await home.open()
      await (await opening({ open, recording })).card()
      await refusedAs(opening({ open, recording: await Recording.begin({ open, agent }) }), 'chain_refused', 'foreign_agent')
    },
    async 'a header that commits to another key, or is sealed to nobody here, is refused'() {
      const swapped = await someEvent((header) => (header.commitment = 'A'.repeat(43)))
      await refusedAs(opening(swapped), 'damaged')
      const locked = await someEvent()
      await refusedAs(opening({ ...locked, open: { ...locked.open, epochs: new Map() } }), 'locked')
      const twice = await someEvent((header) => header.recipients.push(header.recipients[0]))
      await refusedAs(opening(twice), 'damaged')
    },
    async 'a segment of another home, camera, Event, kind or number does not belong; it is not even tried to open'() {
      const [mine, theirs] = [await someEvent(), await someEvent()]
      const opened = await opening(mine)
      const { stored } = mine.recording
      const swaps = [theirs.recording.stored.get('video/0'), stored.get('video/1'), stored.get('thumbnail/0')]
      const second = await Recording.begin({ open: mine.open, agent: mine.agent, camera: mine.recording.place.camera })
      swaps.push(await second.seal('video', 0, random(10)))
      for (const swap of swaps) {
        stored.set('video/0', /** @type {any} */ (swap))
        const error = await refusedAs(opened.segment('video', 0), 'did_not_belong')
        ok(/not shown/.test(error.message) && stateOf(error) === 'did_not_belong' && isPartLost(error))
      }
    },
    async 'a damaged or short segment is damaged, and the rest still opens'() {
      const one = await someEvent()
      const opened = await opening(one)
      one.recording.damage('video/0')
      await refusedAs(opened.segment('video', 0), 'damaged')
      one.recording.stored.set('video/0', new Uint8Array(10))
      await refusedAs(opened.segment('video', 0), 'damaged')
      same((await opened.segment('video', 1)).length, 100)
      one.recording.stored.set('card/0', await one.recording.sealJson('card', 0, { v: 1 }))
      await refusedAs(opened.card(), 'damaged')
    },
    async 'a segment under another header of the same Event does not open'() {
      const { open, agent, recording } = await someEvent()
      const opened = await opening({ open, recording })
      const other = new Recording(recording.place, recording.content, random(32), recording.signed)
      recording.stored.set('video/0', await other.seal('video', 0, random(10)))
      await refusedAs(opened.segment('video', 0), 'damaged')
      ok(agent)
    },
    async 'thumbnails: a few at once, the dropped never fetched, one failure holds up no other'() {
      const one = await someEvent()
      const opened = await opening(one)
      const gates = /** @type {(() => void)[]} */ ([])
      one.recording.before = (name) => name === 'thumbnail/0' && new Promise((resolve) => gates.push(() => resolve(null)))
      const thumbs = new Thumbnails({ parallel: 2 })
      const stops = Array.from({ length: 5 }, () => new AbortController())
      const wanted = stops.map(({ signal }) => thumbs.want(opened, { signal }))
      wanted.forEach((one) => one.catch(() => {}))
      await until(() => gates.length === 2, 'two are fetched')
      stops[2].abort()
      stops[3].abort()
      await refused(wanted[2])
      one.recording.damage('thumbnail/0')
      gates.splice(0).forEach((open) => open())
      await refusedAs(wanted[0], 'damaged')
      await until(() => gates.length === 1, 'the fifth is fetched')
      await one.recording.seal('thumbnail', 0, random(10))
      gates[0]()
      const shown = await wanted[4]
      ok(shown.url.startsWith('blob:') && shown.card?.label === 'motion')
      same(one.recording.asked.filter((name) => name === 'thumbnail/0').length, 3)
      shown.release()
      same(thumbs.urls.size, 0)
      thumbs.end()
    },
    async 'the preview says which frame lies under a time'() {
      const one = await someEvent()
      const preview = await openPreview({ opened: await opening(one) })
      same([0, 599, 600, 5999, 99999, -1].map(preview.frameAt), [0, 0, 1, 9, 9, 0])
      preview.release()
    },
    'every refusal has a named state'() {
      const states = ['not_found', 'lockdown', 'offline', 'unavailable', 'sign_in_needed', 'not_allowed', 'something_new'].map((code) => stateOf(new ApiError(code, '')))
      same(states, ['ended', 'lockdown', 'offline', 'unavailable', 'signed_out', 'not_allowed', 'fault'])
      same([stateOf(new Locked()), stateOf(null), stateOf(new TypeError())], ['locked', 'fault', 'fault'])
      ok(passes(new ApiError('too_many', '')) && !passes(new ApiError('not_found', '')))
    },
  },
}
