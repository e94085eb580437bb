// Every suite. The same ones run in node and, under the production policy, in a browser.

import { accounts, keystore } from './accounts.js'
import { events } from './events.js'
import { formats } from './formats.js'
import { homes } from './homes.js'
import { playing } from './playing.js'
import { service } from './service.js'
import { vectors } from './vectors.js'

/**
 * @typedef {{ vectors: (file: string) => Promise<any>, browser: boolean }} Env
 * @typedef {{ name: string, browserOnly?: boolean, tests: Record<string, (env: Env) => Promise<void>|void> }} Suite
 */

/** @type {Suite[]} */
export const suites = [vectors, formats, accounts, keystore, homes, events, service, playing]
