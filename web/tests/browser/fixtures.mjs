// Small footage, made by ffmpeg when the tests run: an init segment and media segments of each track, as an agent cuts them.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MOV = ['-movflags', '+empty_moov+default_base_moof+frag_keyframe+skip_trailer', '-f', 'mp4']

/** Six seconds of 320x180 at 10 frames a second, a key frame every two; each frame's grey says its second. */
const VIDEO = ['-f', 'lavfi', '-i', 'color=black:s=320x180:r=10:d=6,geq=lum=\'40+30*floor(T)\':cb=128:cr=128']
const H264 = ['-c:v', 'libx264', '-profile:v', 'main', '-pix_fmt', 'yuv420p', '-bf', '0', '-g', '20', '-keyint_min', '20', '-sc_threshold', '0']
/** Much data for its time: what fills a buffer, moved along in time by the test. */
const NOISE = ['-f', 'lavfi', '-i', 'nullsrc=s=640x360:r=10:d=2,geq=random(1)*255:128:128', '-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '4', '-pix_fmt', 'yuv420p', '-bf', '0', '-g', '10', '-keyint_min', '10', '-sc_threshold', '0']
const SOUND = ['-f', 'lavfi', '-i', 'sine=f=440:d=6:r=48000', '-ac', '1', '-c:a', 'aac', '-b:a', '64k']

/** @param {string} folder where the files are put */
export function makeFootage(folder) {
  mkdirSync(folder, { recursive: true })
  cut(folder, 'video', [...VIDEO, ...H264, ...MOV])
  cut(folder, 'noise', [...NOISE, ...MOV])
  cut(folder, 'audio', [...SOUND, '-use_stream_ids_as_track_ids', '1', '-streamid', '0:2', '-frag_duration', '2000000', ...MOV])
}

/** @param {string} folder @param {string} name @param {string[]} how */
function cut(folder, name, how) {
  const whole = join(folder, `${name}.mp4`)
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...how, whole], { stdio: ['ignore', 'inherit', 'inherit'] })
  const parts = split(readFileSync(whole))
  parts.forEach((part, i) => writeFileSync(join(folder, i === 0 ? `${name}.init` : `${name}.${i - 1}`), part))
  writeFileSync(join(folder, `${name}.json`), JSON.stringify({ segments: parts.length - 1 }))
}

/** The init segment, then one part a `moof`. @param {Buffer} bytes */
function split(bytes) {
  const starts = [0]
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    if (bytes.toString('latin1', at + 4, at + 8) === 'moof') starts.push(at)
  }
  return starts.map((start, i) => bytes.subarray(start, starts[i + 1] ?? bytes.length))
}
