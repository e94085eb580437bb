// ioredis as its README shows it: one client, its own reconnecting and offline queue, commandTimeout set. It has no way to cancel a
// command, so a caller that gives up only stops waiting; that is all a Node.js program can do, and the command goes on.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

// Where npm put it, since this file lies outside of that folder.
const require = createRequire(`${process.env.KEEPSIGHT_TRIAL_NODE}/package.json`);
const { Redis } = require('ioredis');
const { version } = require('ioredis/package.json');

const RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

/** @param {Redis} redis */
const operations = (redis) => ({
  get: async ({ key }) => ({ value: text(await redis.get(key)) }),
  set: async ({ key, value, ttl_ms }) => ({ ok: (await redis.set(key, value, 'PX', ttl_ms)) === 'OK' }),
  invalidate: async ({ key }) => (await redis.del(key), { ok: true }),
  lease: async ({ key, holder, ttl_ms }) => ({ ok: (await redis.set(key, holder, 'PX', ttl_ms, 'NX')) === 'OK' }),
  release: async ({ key, holder }) => ({ ok: (await redis.eval(RELEASE, 1, key, holder)) === 1 }),
});

/** Whatever came back, as it is: an answer of the wrong kind has to reach the judge. */
const text = (reply) => (reply === null || typeof reply === 'string' ? reply : JSON.stringify(reply));
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const why = (error) => (/timed out/i.test(error.message) ? 'timeout' : 'failed');

/** The caller's side of a call: its deadline, and its giving up. */
function waiting(id, timeoutMs, calls) {
  return new Promise((settle) => {
    const timer = setTimeout(() => settle({ error: 'timeout', detail: 'the caller waited no longer' }), timeoutMs);
    calls.set(id, () => settle({ error: 'cancelled' }));
    calls.get(id).timer = timer;
  });
}

async function serve() {
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })[Symbol.asyncIterator]();
  const hello = JSON.parse((await lines.next()).value);
  const redis = new Redis({ host: hello.host, port: hello.port, commandTimeout: hello.timeout_ms, connectTimeout: hello.timeout_ms });
  redis.on('error', () => {}); // each command fails by itself; without a listener ioredis writes every lost connection to stderr
  const known = operations(redis);
  const calls = new Map();
  say({ trial: 1, client: 'ioredis', version });
  for await (const line of lines) {
    const { id, op, timeout_ms: timeoutMs, ...rest } = JSON.parse(line);
    if (op === 'quit') break;
    if (op === 'cancel') calls.get(id)?.();
    else call(id, known[op](rest), timeoutMs, calls);
  }
  redis.disconnect();
  process.exit(0);
}

async function call(id, command, timeoutMs, calls) {
  const answered = command.catch((error) => ({ error: why(error), detail: String(error.message) }));
  const answer = await Promise.race([answered, waiting(id, timeoutMs, calls)]);
  clearTimeout(calls.get(id).timer);
  calls.delete(id);
  say({ id, ...answer });
}

await serve();
