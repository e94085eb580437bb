// Runs every suite in node: `node --test web/tests`.

import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { suites } from './suites/index.js'

const folder = new URL('../../crates/seal/vectors/', import.meta.url)
const env = {
  browser: false,
  vectors: async (file) => JSON.parse(await readFile(new URL(`${file}.json`, folder), 'utf8')),
}

for (const suite of suites.filter(({ browserOnly }) => !browserOnly)) {
  describe(suite.name, () => {
    for (const [name, run] of Object.entries(suite.tests)) test(name, () => run(env))
  })
}
