// Names sealed anew when an epoch begins, so that people who come later need no older epoch to read them.

import { fromB64 } from './base64url.js'
import { textOf } from './bytes.js'
import { Refusal } from './errors.js'
import { openName, sealNameTo } from './name.js'

/**
 * A name that does not open is left as it is: it must not keep anybody from being removed.
 * @param {Pick<import('./home.js').OpenHome, 'chain'|'epochs'>} open
 * @param {Parameters<typeof sealNameTo>[0]} owner with the new epoch
 * @param {import('./ed25519.js').Signed[]} names
 * @returns {Promise<import('./ed25519.js').Signed[]>}
 */
export async function resealNames(open, owner, names) {
  const again = await Promise.all(
    names.map(async (name) => {
      const subject = subjectOf(name)
      const text = subject && (await openName({ open, subject, name }).catch(leaveRefused))
      return subject && text ? [await sealNameTo(owner, subject, text)] : []
    }),
  )
  return again.flat()
}

/** @param {unknown} error @returns {null} */
function leaveRefused(error) {
  if (error instanceof Refusal) return null
  throw error
}

/** What the name says it names; `openName` checks the rest. @param {import('./ed25519.js').Signed} name @returns {string|null} */
function subjectOf(name) {
  try {
    const { subject } = JSON.parse(textOf(fromB64(name.body)))
    return typeof subject === 'string' ? subject : null
  } catch {
    return null
  }
}
