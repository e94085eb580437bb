// CPU of watching one camera (640x480@10 looked at, 1080p20 recorded), against ffmpeg decoding its main stream and its substream.
// All three read the same live camera, one after the other, for the same time; CPU seconds are the kernel's.
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { MEDIA } from '../lib/env.mjs';
import { Process, camera } from '../lib/processes.mjs';

const SECONDS = Number(process.env.KEEPSIGHT_SECONDS ?? 60);
const ends = [];
const t = { after: (end) => ends.push(end) };

/** CPU seconds that a process used until it ended, as its parent sees it. */
async function cpuOf(command, args) {
  const timed = new Process('/usr/bin/env', ['bash', '-c', '"$@" >&2; cat /proc/$$/stat', 'sh', command, ...args]);
  await timed.ended;
  const stat = timed.text.trim().split('\n').at(-1);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[13]) + Number(fields[14]); // cutime and cstime: what its children used
  if (!(ticks > 0)) throw new Error(`no CPU time of ${command}:\n${timed.text}`);
  return { seconds: ticks / 100, text: timed.text };
}

async function main() {
  const { urls } = await camera(t, {
    mounts: {
      main: `h264=${MEDIA}/scene_1080p20.h264@20,aac=${MEDIA}/tone.aac`,
      sub: `h264=${MEDIA}/scene_sub.h264@10`,
      street: `h264=${MEDIA}/street_main.h264@20,aac=${MEDIA}/tone.aac`,
      streetsub: `h264=${MEDIA}/street_sub.h264@10`,
    },
  });
  const version = await readFile('/proc/cpuinfo', 'utf8');
  console.log(`${version.match(/model name\s*: (.*)/)[1]}, ${os.cpus().length} cores, ${SECONDS} s each`);
  const decode = (url) => ['ffmpeg', ['-v', 'error', '-nostdin', '-rtsp_transport', 'tcp', '-threads', '1', '-i', url, '-map', '0:v', '-t', String(SECONDS), '-f', 'null', '-']];
  const sides = {
    'keepsight, mostly quiet': [process.env.KEEPSIGHT_WATCH_ONE, [urls.main, urls.sub, String(SECONDS)]],
    'keepsight, always moving': [process.env.KEEPSIGHT_WATCH_ONE, [urls.street, urls.streetsub, String(SECONDS)]],
    'ffmpeg decoding the main stream': decode(urls.main),
    'ffmpeg decoding the substream': decode(urls.sub),
  };
  const percent = {};
  for (const [name, [command, args]] of Object.entries(sides)) {
    const { seconds, text } = await cpuOf(command, args);
    percent[name] = Math.round((seconds / SECONDS) * 10_000) / 100;
    console.log(`${name.padEnd(34)} ${percent[name].toFixed(2).padStart(6)} % of a core (${seconds.toFixed(2)} CPU s)`);
    const said = text.trim().split('\n').filter((line) => line.startsWith('{')).at(-1);
    if (said) console.log(`  ${said}`);
  }
  console.log(JSON.stringify({
    bench: 'agent',
    core_percent: percent['keepsight, mostly quiet'],
    core_percent_always_moving: percent['keepsight, always moving'],
    ffmpeg_main_percent: percent['ffmpeg decoding the main stream'],
    ffmpeg_sub_percent: percent['ffmpeg decoding the substream'],
  }));
}

try {
  await main();
} finally {
  for (const end of ends.reverse()) await end();
}
