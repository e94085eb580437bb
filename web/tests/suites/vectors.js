// The vectors that crates/seal and web/crypto share: most of them must be refused.

import { ok } from '../support/assert.js'
import { NOT_OURS, runVector } from '../support/vectors.js'

export const FILES = ['hpke', 'primitives', 'password', 'account', 'recovery', 'invitation', 'pairing', 'chain', 'epochs', 'header', 'segment', 'content', 'name']

/** @type {import('./index.js').Suite} */
export const vectors = {
  name: 'vectors',
  tests: Object.fromEntries(
    FILES.map((file) => [
      file,
      async (env) => {
        const { cases, shared } = await env.vectors(file)
        const ours = cases.filter((/** @type {any} */ one) => !NOT_OURS.includes(one.operation))
        ok(ours.length > 0, 'a file without cases')
        const wrong = []
        for (const one of ours) await runVector(file, one, shared).catch((error) => wrong.push(`${one.operation}, ${one.name} (${one.why}): ${error.message}`))
        ok(wrong.length === 0, `${wrong.length} of ${ours.length}:\n${wrong.join('\n')}`)
      },
    ]),
  ),
}
