// A server of files for the tests: the client as it is, under exactly the policy that the real server sends with its pages.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.json': 'application/json' }

/** The policy, read where the server has it: it cannot drift. @param {string} root */
function pagePolicy(root) {
  const source = readFileSync(join(root, 'crates/cloud/src/edge/answer.rs'), 'utf8')
  const found = /const PAGE_POLICY: &str =\s*"([^"]+)"/.exec(source)
  if (!found) throw new Error('crates/cloud has no PAGE_POLICY any longer')
  return found[1].replace(/\\\s*\n\s*/g, '')
}

/** @param {{ root: string, modules: string, footage: string }} folders */
export async function startServer({ root, modules, footage }) {
  const policy = pagePolicy(root)
  const places = [
    ['/vectors/', join(root, 'crates/seal/vectors/')],
    ['/footage/', `${footage}/`],
    ['/jsqr.js', join(modules, 'jsqr/dist/jsQR.js')],
    ['/', join(root, 'web/')],
  ]
  const state = { received: null, origin: '', close: () => server.close() }
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, 'http://x').pathname)
    if (request.method === 'POST') {
      state.received = Buffer.concat(await request.toArray())
      return response.writeHead(204).end()
    }
    if (path === '/favicon.ico') return response.writeHead(204).end()
    try {
      const [prefix, folder] = places.find(([prefix]) => path.startsWith(prefix))
      const bytes = readFileSync(folder + path.slice(prefix.length))
      const type = TYPES[extname(path)] ?? 'application/octet-stream'
      response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' }).end(bytes)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(null)))
  state.origin = `http://localhost:${server.address().port}`
  return state
}
