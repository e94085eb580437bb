// What decides about playing, without a browser's media: which segment lies under a time, holes, the queue, the mp4 boxes.

import { concat, u16, u32, u64, utf8 } from '../../crypto/bytes.js'
import { AppendQueue } from '../../media/append-queue.js'
import { boxes, makeBox } from '../../media/mp4/boxes.js'
import { readTimes } from '../../media/mp4/times.js'
import { covers, stepOverHole } from '../../media/ranges.js'
import { TrackTimes, numbersOf, segmentAt, startOf, timelineOf } from '../../media/timeline.js'
import { someCard } from '../support/recording.js'
import { ok, refused, refusedAs, same } from '../support/assert.js'

/** Three segments of two seconds. @param {number[]} [numbers] which are there */
function track(numbers = [0, 1, 2]) {
  const times = new TrackTimes()
  times.update({ numbers, count: 3, estimates_ms: [2000, 2000, 2000] })
  return times
}

/** A SourceBuffer of `room` segments of a second each that finishes when told. */
class FakeBuffer extends EventTarget {
  /** @type {string[]} */
  log = []
  held = 0
  /** @param {number} room @param {boolean} [byHand] */
  constructor(room, byHand = false) {
    super()
    this.room = room
    this.byHand = byHand
    this.updating = false
  }
  /** @param {Uint8Array} bytes */
  appendBuffer(bytes) {
    this.#begin()
    if (this.held >= this.room) {
      this.updating = false
      this.log.push('full')
      throw new DOMException('full', 'QuotaExceededError')
    }
    this.held += 1
    this.log.push(`append ${bytes[0]}`)
    this.#later('updateend')
  }
  /** @param {number} from @param {number} until */
  remove(from, until) {
    this.#begin()
    this.held = 0
    this.log.push(`remove ${from}-${until}`)
    this.#later('updateend')
  }
  #begin() {
    if (this.updating) throw new DOMException('two at once', 'InvalidStateError')
    this.updating = true
  }
  /** @param {string} name */
  #later(name) {
    if (!this.byHand) setTimeout(() => this.finish(name))
  }
  /** @param {...string} names */
  finish(...names) {
    this.updating = false
    for (const name of names) this.dispatchEvent(new Event(name))
  }
}

/** @param {FakeBuffer} buffer @param {import('../../media/timeline.js').Range[]} [evictable] */
function queueOn(buffer, evictable = []) {
  let full = 0
  const queue = new AppendQueue(/** @type {any} */ (buffer), { evictable: () => evictable, onFull: () => (full += 1) })
  return { queue, timesFull: () => full }
}

/** @type {import('./index.js').Suite} */
export const playing = {
  name: 'playing',
  tests: {
    'a time lies in its segment, by what is known best'() {
      const times = track()
      same([0, 1.9995, 2, 5.9, 6, 99].map((at) => times.at(at)), [0, 1, 1, 2, 3, 3])
      times.learn(0, { from: 0, until: 2.5 })
      same([2.4, 2.6, 4.4].map((at) => times.at(at)), [0, 1, 1])
      same(times.end, 6.5)
    },
    'without a card, lengths are guessed and then learned'() {
      const times = new TrackTimes()
      times.update({ numbers: [0, 1], count: 0 })
      same([times.count, times.end, times.at(3)], [2, 4, 1])
      times.learn(0, { from: 0, until: 4 })
      same([times.at(3), times.end], [0, 6])
      times.update({ numbers: [0, 1, 2], count: 0 })
      same([times.count, times.isGood(2)], [3, true])
    },
    'what is counted and not there is missing, and may still come'() {
      const times = track([0, 2])
      same([0, 1, 2].map((number) => times.states.get(number)), ['here', 'missing', 'here'])
      times.mark(0, 'damaged')
      times.update({ numbers: [0, 1, 2], count: 3 })
      same([0, 1, 2].map((number) => times.states.get(number)), ['damaged', 'here', 'here'])
    },
    'a page gets parts with their states'() {
      const times = track([0, 2])
      const timeline = timelineOf(times, /** @type {any} */ (someCard({ activity: [[5000, 5500]] })), true)
      same(timeline.segments[1], { number: 1, from_ms: 2000, until_ms: 4000, state: 'missing' })
      same([timeline.duration_ms, timeline.activity, timeline.complete], [6000, [[5000, 5500]], true])
      same([segmentAt(timeline, 3999)?.number, segmentAt(timeline, 6000)], [1, null])
      same([startOf(/** @type {any} */ (someCard({ activity: [[5000, 5500]] }))), startOf(/** @type {any} */ (someCard({ activity: [[100, 200]] }))), startOf(null)], [2, 0, 0])
      same(numbersOf(/** @type {any} */ ({ segments: [{ kind: 'video', number: 4 }, { kind: 'audio', number: 9 }] }), 'video'), [4])
    },
    'holes: known ones are jumped, tiny ones nudged, others waited for'() {
      const lost = track()
      lost.mark(1, 'damaged')
      const both = [{ from: 0, until: 2 }, { from: 4, until: 6 }]
      const calm = { complete: true, stuck: false }
      same(stepOverHole(1, both, lost, calm), { act: 'play' })
      same(stepOverHole(2, both, lost, calm), { act: 'jump', to: 4.001 })
      same(stepOverHole(2, both, track(), calm), { act: 'wait' })
      same(stepOverHole(3, both, lost, calm), { act: 'jump', to: 4.001 })
      same(stepOverHole(2, [{ from: 0, until: 2 }, { from: 2.08, until: 6 }], track(), calm), { act: 'nudge', to: 2.081 })
      same(stepOverHole(2, [{ from: 0, until: 2 }, { from: 2.2, until: 6 }], track(), calm), { act: 'wait' })
      same(stepOverHole(0, [{ from: 0.3, until: 6 }], track(), calm), { act: 'nudge', to: 0.301 })
      same(stepOverHole(1.9, both, lost, { complete: true, stuck: true }), { act: 'jump', to: 4.001 })
      same(stepOverHole(1.9, both, lost, calm), { act: 'play' })
    },
    'the end that is lost is the end'() {
      const lost = track()
      lost.mark(1, 'damaged')
      lost.mark(2, 'missing')
      same(stepOverHole(2, [{ from: 0, until: 2 }], lost, { complete: true, stuck: false }), { act: 'over' })
      same(stepOverHole(2, [{ from: 0, until: 2 }], lost, { complete: false, stuck: false }), { act: 'wait' })
    },
    'a segment is there when all but its edges is'() {
      ok(covers([{ from: 0.1, until: 1.9 }], { from: 0, until: 2 }, 0.25))
      ok(!covers([{ from: 0, until: 1 }, { from: 1.2, until: 2 }], { from: 0, until: 2 }, 0.25))
    },
    async 'the queue does one thing at a time, in the order it was asked'() {
      const buffer = new FakeBuffer(9)
      const { queue } = queueOn(buffer)
      await Promise.all([queue.append(Uint8Array.of(1)), queue.remove({ from: 0, until: 1 }), queue.append(Uint8Array.of(2)), queue.append(Uint8Array.of(3))])
      same(buffer.log, ['append 1', 'remove 0-1', 'append 2', 'append 3'])
    },
    async 'a full buffer is evicted and tried once more; still full is an answer and no error'() {
      const buffer = new FakeBuffer(1)
      const { queue, timesFull } = queueOn(buffer, [{ from: 0, until: 3 }])
      same([await queue.append(Uint8Array.of(1)), await queue.append(Uint8Array.of(2))], ['appended', 'appended'])
      same(buffer.log, ['append 1', 'full', 'remove 0-3', 'append 2'])
      const none = new FakeBuffer(0)
      const stuck = queueOn(none)
      same(await stuck.queue.append(Uint8Array.of(1)), 'full')
      same([none.log, timesFull(), stuck.timesFull()], [['full', 'full'], 1, 1])
    },
    async 'what the browser cannot use fails that append, and the queue goes on'() {
      const buffer = new FakeBuffer(9, true)
      const { queue } = queueOn(buffer)
      const bad = queue.append(Uint8Array.of(1))
      await Promise.resolve()
      await Promise.resolve()
      buffer.finish('error', 'updateend')
      await refused(bad)
      const next = queue.append(Uint8Array.of(2))
      await Promise.resolve()
      await Promise.resolve()
      buffer.finish('updateend')
      same(await next, 'appended')
    },
    async 'a closed queue fails what runs and what waits'() {
      const { queue } = queueOn(new FakeBuffer(9, true))
      const [running, waiting] = [queue.append(Uint8Array.of(1)), queue.append(Uint8Array.of(2))]
      await Promise.resolve()
      queue.close()
      await refusedAs(running, 'AbortError')
      await refusedAs(waiting, 'AbortError')
      await refusedAs(queue.append(Uint8Array.of(3)), 'AbortError')
    },
    'a segment’s own times, in every form that they are written in'() {
      const init = { codec: '', timescale: 1000, track: 1, defaultDuration: 40 }
      const tfhd = (/** @type {number} */ flags, /** @type {Uint8Array[]} */ ...more) => makeBox('tfhd', u32(flags), u32(1), ...more)
      const moof = (/** @type {Uint8Array[]} */ ...inside) => makeBox('moof', makeBox('mfhd', u32(0), u32(1)), makeBox('traf', ...inside))
      const runs = makeBox('trun', u32(0x000f01), u32(2), u32(8), u32(50), u32(9), u32(0), u32(0), u32(70), u32(9), u32(0), u32(0))
      same(readTimes(init, concat(makeBox('styp'), moof(tfhd(0x20000), makeBox('tfdt', u32(0), u32(500)), runs))), { from: 0.5, until: 0.62, frames: 2 })
      const plain = makeBox('trun', u32(0), u32(5))
      same(readTimes(init, moof(tfhd(0), makeBox('tfdt', u32(0x01000000), u64(2 ** 33)), plain)), { from: 2 ** 33 / 1000, until: (2 ** 33 + 200) / 1000, frames: 5 })
      same(readTimes(init, moof(tfhd(0x0b, u64(0), u32(1), u32(100)), makeBox('tfdt', u32(0), u32(0)), plain)), { from: 0, until: 0.5, frames: 5 })
    },
    async 'boxes that reach beyond what is there are damaged'() {
      same(boxes(concat(makeBox('free'), makeBox('mdat', utf8('abc')))).map(({ type, body }) => [type, body.length]), [['free', 0], ['mdat', 3]])
      for (const bytes of [u32(8), concat(u32(7), utf8('free')), concat(u32(20), utf8('free')), concat(u32(1), utf8('free'), u64(16)), u16(1)]) {
        await refusedAs(() => boxes(bytes), 'damaged')
      }
    },
  },
}
