// Runs the module tests in Chromium, under the policy that the server sends: `node web/tests/browser/run.mjs [BASE]`.
//
// BASE holds node_modules of web/tests/package.json (or KEEPSIGHT_NODE_MODULES names it) and receives the footage that is made. The exit
// code says whether everything passed.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeFootage } from './fixtures.mjs'
import { startServer } from './server.mjs'

const CHROMIUM_FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required']
const LIMIT_MS = 240_000

const root = fileURLToPath(new URL('../../../', import.meta.url))
const base = process.argv[2] ?? null
const modules = base ? join(base, 'node_modules') : process.env.KEEPSIGHT_NODE_MODULES
if (!modules) throw new Error('name a folder with node_modules, or set KEEPSIGHT_NODE_MODULES')
const { chromium } = createRequire(join(modules, 'x.js'))('playwright-core')

const scratch = mkdtempSync(join(tmpdir(), 'keepsight-web-'))
const footage = join(scratch, 'footage')
let failed = 0
let passed = 0
try {
  makeFootage(footage)
  const server = await startServer({ root, modules, footage })
  const browser = await chromium.launch({ executablePath: process.env.KEEPSIGHT_CHROMIUM ?? '/usr/bin/chromium', args: CHROMIUM_FLAGS })
  try {
    const page = await browser.newPage()
    await runPage(page, `${server.origin}/tests/browser/index.html${process.env.ONLY ? `?only=${process.env.ONLY}` : ''}`)
    if (server.received !== null) judgeDownload(server.received)
    else if (!process.env.ONLY) report('a download reached the server', 'none did')
  } finally {
    await browser.close()
    server.close()
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)

/** @param {any} page @param {string} address */
async function runPage(page, address) {
  const done = new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error('the tests did not end in time')), LIMIT_MS)
    page.on('console', (message) => {
      const text = message.text()
      if (!text.startsWith('keepsight-test ')) return message.type() === 'error' && console.log(`console: ${text}`)
      const line = JSON.parse(text.slice('keepsight-test '.length))
      if (!line.done) return report(line.name, line.error)
      clearTimeout(limit)
      resolve(null)
    })
    page.on('pageerror', (error) => report('the page', String(error.stack ?? error)))
    page.on('crash', () => reject(new Error('the page crashed')))
  })
  await page.goto(address)
  await done
}

/** The merged file must be one that other programs play. @param {Buffer} bytes */
function judgeDownload(bytes) {
  const file = join(scratch, 'download.mp4')
  writeFileSync(file, bytes)
  try {
    const probe = JSON.parse(execFileSync('ffprobe', ['-v', 'error', '-show_streams', '-show_format', '-count_frames', '-of', 'json', file], { encoding: 'utf8' }))
    const [video, audio] = ['video', 'audio'].map((kind) => probe.streams.find((stream) => stream.codec_type === kind))
    const decoded = execFileSync('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    const facts = [video?.codec_name === 'h264', Number(video?.nb_read_frames) === 60, audio?.codec_name === 'aac', Math.abs(Number(probe.format.duration) - 6) < 0.1, decoded === '']
    report('ffprobe and ffmpeg read the download: 60 pictures, sound, 6 s', facts.every(Boolean) ? null : JSON.stringify({ facts, probe }))
  } catch (error) {
    report('ffprobe and ffmpeg read the download', String(error.stderr ?? error))
  }
}

/** @param {string} name @param {string|null} error */
function report(name, error) {
  if (error) failed += 1
  else passed += 1
  console.log(error ? `FAILED ${name}\n${error}` : `ok ${name}`)
}

