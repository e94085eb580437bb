// To whom a document's secret is sealed: the epoch exactly once and first, then guests' slots.

import { b64, b64Of } from './checks.js'
import { id } from './ids.js'
import { list, record, string } from './json.js'

const guestSlot = id('slt')

const recipient = record({
  to: (/** @type {unknown} */ value, /** @type {string} */ at) => (value === 'epoch' ? string(value, at) : guestSlot(value, at)),
  enc: b64Of(32),
  ct: b64,
})

/** @typedef {ReturnType<typeof recipient>} Recipient */

/** @type {import('./json.js').Check<Recipient[]>} */
export function recipients(value, at) {
  const all = list(recipient)(value, at)
  const names = all.map(({ to }) => to)
  if (names[0] !== 'epoch') throw new SyntaxError(`${at}: the epoch must stand first`)
  if (new Set(names).size !== names.length) throw new SyntaxError(`${at}: somebody is there twice`)
  return all
}
