// Real processes in temporary folders: started, listened to, killed, and gone at the end of the test.
import { spawn, execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { BIN, MEDIA, ROOT } from './env.mjs';

export const exec = promisify(execFile);

/** A temporary folder that is removed after the test. */
export async function folder(t) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'keepsight-e2e-'));
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

/** A loopback port that was free just now. */
export async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A started process whose output can be waited for. */
export class Process {
  constructor(command, args, options = {}) {
    this.name = path.basename(command) + ' ' + args[0];
    this.text = '';
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    this.ended = new Promise((resolve) => this.child.on('close', (code, signal) => resolve(code ?? signal)));
    this.waiters = new Set();
    const hear = (chunk) => {
      this.text += chunk;
      if (process.env.KEEPSIGHT_E2E_VERBOSE) process.stderr.write(chunk);
      for (const waiter of this.waiters) waiter();
    };
    this.child.stdout.on('data', hear);
    this.child.stderr.on('data', hear);
    this.ended.then(() => { this.over = true; for (const waiter of this.waiters) waiter(); });
  }

  /** The match of `pattern` in what it printed so far or prints next. */
  async says(pattern, ms = 30_000) {
    const deadline = Date.now() + ms;
    for (;;) {
      const match = this.text.match(pattern);
      if (match) return match;
      if (this.over) throw new Error(`${this.name} ended before it said ${pattern}:\n${this.text}`);
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${this.name} did not say ${pattern} in ${ms} ms:\n${this.text}`);
      await new Promise((resolve) => {
        const timer = setTimeout(done, left);
        const waiters = this.waiters;
        function done() { clearTimeout(timer); waiters.delete(done); resolve(); }
        waiters.add(done);
      });
    }
  }

  /** Ends it as an operator would, or at once with SIGKILL. */
  async stop(signal = 'SIGTERM') {
    if (!this.over) this.child.kill(signal);
    return this.ended;
  }
}

/** Starts a process that ends with the test. */
export function start(t, command, args, options) {
  const process = new Process(command, args, options);
  t.after(() => process.stop('SIGKILL'));
  return process;
}

/** A real RTSP camera that plays real footage for ever. Answers its URLs by mount. */
export async function camera(t, { mounts, user, digest } = {}) {
  const wanted = mounts ?? {
    main: `h264=${MEDIA}/street_main.h264@20,aac=${MEDIA}/tone.aac`,
    sub: `h264=${MEDIA}/street_sub.h264@10`,
  };
  const args = [path.join(ROOT, 'xtask/assets/testcam.py'), '--port', '0'];
  for (const [name, spec] of Object.entries(wanted)) args.push('--mount', `/${name}:${spec}`);
  if (user) args.push('--user', user);
  if (digest) args.push('--digest');
  const process = start(t, '/usr/bin/python3', args);
  const [, port] = await process.says(/ready (\d+)/);
  const urls = Object.fromEntries(Object.keys(wanted).map((name) => [name, `rtsp://127.0.0.1:${port}/${name}`]));
  return { process, urls };
}

/** A server on a fresh folder (or the given one), plain HTTP on loopback. */
export async function server(t, { bin = BIN, data, port, env, args = [] } = {}) {
  data ??= path.join(await folder(t), 'server');
  port ??= await freePort();
  const process = start(t, bin, [
    'serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--no-tls', '--public-url', `http://localhost:${port}`, ...args,
  ], { env: { ...globalThis.process.env, ...env }, cwd: path.dirname(data) });
  await process.says(/listening on/i);
  return { process, data, port, url: `http://localhost:${port}` };
}

/** The agent's command line in a folder; `input` goes to its standard input. Answers what it printed. */
export async function agentCli(data, args, input) {
  const process = new Process(BIN, ['agent', '--data', data, ...args]);
  // One that ended before it read its input says why on its own; a broken pipe would only hide it.
  process.child.stdin.on('error', () => {});
  process.child.stdin.end(input ?? '');
  const code = await process.ended;
  if (code !== 0) throw new Error(`${process.name} ended with ${code}:\n${process.text}`);
  return process.text;
}
