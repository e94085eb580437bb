// Runs every suite in this page and reports through the console, one JSON line a test. What the policy blocks is a failure.

import { suites } from '../suites/index.js'
import { decoding } from './qr.js'
import { media } from './media.js'

const env = {
  browser: true,
  vectors: async (/** @type {string} */ file) => (await fetch(`/vectors/${file}.json`)).json(),
}

/** @param {unknown} line */
function report(line) {
  console.log(`keepsight-test ${JSON.stringify(line)}`)
}

document.addEventListener('securitypolicyviolation', (event) => report({ name: 'the policy', error: `${event.violatedDirective} blocked ${event.blockedURI}` }))

addEventListener('unhandledrejection', (event) => report({ name: 'a rejection that nobody handled', error: String(event.reason?.stack ?? event.reason) }))

const only = new URL(location.href).searchParams.get('only')
for (const suite of [...suites, decoding, media]) {
  if (only && suite.name !== only) continue
  for (const [name, run] of Object.entries(suite.tests)) {
    const error = await Promise.resolve().then(() => run(env)).then(() => null, (thrown) => String(thrown?.stack ?? thrown))
    report({ name: `${suite.name}: ${name}`, error })
  }
}
report({ done: true })
