// One Event, the whole way: a real RTSP camera with real footage, an agent paired by its code, the server, and Chromium.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { browser, person, picture, pictures, pixels } from './lib/browser.mjs';
import { MEDIA, OUT } from './lib/env.mjs';
import { playing, setUp, tiles } from './lib/people.mjs';
import { agentCli, camera, exec, folder, server } from './lib/processes.mjs';

/** The mean colour of parts of the footage over its first seconds, as ffmpeg decodes it: rows of [r, g, b] in a grid. */
async function footageGrid(file, columns, rows) {
  const { stdout } = await exec('ffmpeg', ['-v', 'error', '-i', file, '-t', '8', '-vf', `scale=${columns}:${rows}:flags=area`,
    '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], { encoding: 'buffer', maxBuffer: 1 << 24 });
  const size = columns * rows * 3;
  const frames = stdout.length / size;
  return Array.from({ length: columns * rows }, (_, cell) => [0, 1, 2].map((colour) => {
    let sum = 0;
    for (let frame = 0; frame < frames; frame++) sum += stdout[frame * size + cell * 3 + colour];
    return sum / frames;
  }));
}

/** Fails when a part's mean colour is not what was filmed there. */
function sameColours(shown, filmed, tolerance) {
  for (const [cell, colour] of shown.entries()) for (const [i, value] of colour.entries()) {
    assert.ok(Math.abs(value - filmed[cell][i]) < tolerance, `part ${cell}: shown ${colour.map(Math.round)}, filmed ${filmed[cell].map(Math.round)}`);
  }
}

/** A tile's thumbnail: its width, whether it was opened here, and the mean colours of a grid over it. */
function thumbnail(tile, columns, rows) {
  return tile.locator('img').evaluate((img, [columns, rows]) => {
    const context = new OffscreenCanvas(columns, rows).getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(img, 0, 0, columns, rows);
    const { data } = context.getImageData(0, 0, columns, rows);
    const grid = Array.from({ length: columns * rows }, (_, cell) => [...data.slice(cell * 4, cell * 4 + 3)]);
    return { width: img.naturalWidth, source: img.src.slice(0, 5), grid };
  }, [columns, rows]);
}

/** The preview strip above the scrubber's thumb: its size, and the mean colours of a grid over each of its small frames. */
async function previewStrip(page, columns, rows) {
  const frame = page.locator('ks-scrubber [data-part=frame]');
  await page.waitForFunction(() => document.querySelector('ks-scrubber [data-part=frame]').style.backgroundImage.startsWith('url("blob:'), null, { timeout: 60_000 });
  await page.getByRole('slider', { name: 'Position' }).hover();
  await frame.waitFor();
  return frame.evaluate(async (element, [columns, rows]) => {
    const picture = new Image();
    picture.src = element.style.backgroundImage.slice(5, -2);
    await picture.decode();
    const frames = Math.round(parseFloat(element.style.backgroundSize) / 100);
    const canvas = new OffscreenCanvas(columns * frames, rows);
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(picture, 0, 0, columns * frames, rows);
    const { data } = context.getImageData(0, 0, columns * frames, rows);
    const colour = (x, y) => [...data.slice((y * columns * frames + x) * 4, (y * columns * frames + x) * 4 + 3)];
    const grids = Array.from({ length: frames }, (_, frame) => Array.from({ length: columns * rows }, (_, cell) => colour(frame * columns + (cell % columns), Math.floor(cell / columns))));
    return { width: picture.naturalWidth, height: picture.naturalHeight, frames, grids };
  }, [columns, rows]);
}

test('an Event goes from a real camera to its owner\'s screen, sound and file', { timeout: 240_000 }, async (t) => {
  const dir = await folder(t);
  const data = path.join(dir, 'agent');
  const rtsp = await camera(t, { user: 'watcher:lens cap', digest: true });
  const cloud = await server(t, { data: path.join(dir, 'server') });
  const chromium = await browser(t);
  const { page } = await person(t, chromium);
  await setUp(t, page, cloud, data);
  await page.getByRole('heading', { name: 'Wait for your first Event' }).waitFor();
  await pictures(page, 'set-up-first-event');

  const found = await agentCli(data, ['add', 'Hall', rtsp.urls.main, '--user', 'watcher', '--substream', rtsp.urls.sub, '--password-stdin'], 'lens cap\n');
  assert.match(found, /video: H264, 1920x1080/);
  assert.match(found, /audio: MPEG4-GENERIC, 16000 Hz/);
  assert.doesNotMatch(found, /lens cap/);

  const id = found.match(/cam_[0-9a-z]{26}/)[0];
  await page.getByText('Camera found').waitFor();
  for (let tries = 0; ; tries++) {
    const refused = await agentCli(data, ['trigger', id]).then(() => null, (error) => error);
    if (!refused) break;
    assert.ok(tries < 40, `the camera was never ready: ${refused}`);
    await page.waitForTimeout(500);
  }
  const see = page.getByRole('link', { name: 'See your first Event' });
  await see.waitFor({ timeout: 60_000 });
  await pictures(page, 'set-up-done');
  await see.click();
  await playing(page);

  const wanted = await footageGrid(path.join(MEDIA, 'street_main.h264'), 4, 3);
  const shown = [];
  for (let row = 0; row < 3; row++) for (let column = 0; column < 4; column++) {
    shown.push(await pixels(page, { x: column / 4, y: row / 3, w: 1 / 4, h: 1 / 3 }));
  }
  sameColours(shown, wanted, 24);
  const media = await page.evaluate(() => {
    const video = document.querySelector('video');
    return { width: video.videoWidth, height: video.videoHeight, audio: video.webkitAudioDecodedByteCount };
  });
  assert.deepEqual([media.width, media.height], [1920, 1080]);
  assert.ok(media.audio > 0, 'sound is decoded');

  await page.goto(`${cloud.url}/events`);
  await tiles(page).first().waitFor({ timeout: 90_000 });
  const still = await thumbnail(tiles(page).first(), 4, 3);
  assert.deepEqual([still.width, still.source], [640, 'blob:']);
  sameColours(still.grid, wanted, 40);
  await tiles(page).first().click();
  await playing(page);
  const preview = await previewStrip(page, 4, 3);
  assert.ok(preview.frames >= 8 && preview.frames <= 10, `${preview.frames} frames in the preview strip`);
  for (const grid of preview.grids) sameColours(grid, wanted, 40);
  await picture(page, 'event-real');

  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: /Download/ }).click();
  const file = path.join(OUT, 'downloaded.mp4');
  await (await saved).saveAs(file);
  const { stdout } = await exec('ffprobe', ['-v', 'error', '-count_frames', '-show_entries', 'stream=codec_name,width,height,nb_read_frames', '-show_entries', 'format=duration', '-of', 'json', file]);
  const probed = JSON.parse(stdout);
  assert.deepEqual(probed.streams.map((stream) => stream.codec_name).sort(), ['aac', 'h264']);
  const video = probed.streams.find((stream) => stream.codec_name === 'h264');
  assert.deepEqual([video.width, video.height], [1920, 1080]);
  const seconds = Number(probed.format.duration);
  assert.ok(seconds >= 8, `a pre-roll, the Event and a post-roll: ${seconds} s`);
  assert.ok(Math.abs(Number(video.nb_read_frames) - seconds * 20) <= 25, `${video.nb_read_frames} frames in ${seconds} s`);

  await page.goto(`${cloud.url}/views`);
  await page.getByText('downloaded').first().waitFor();
  assert.ok(await page.getByText('opened').count() > 0);

  // Nothing that the server keeps says what the people of the home call things.
  const grep = await exec('grep', ['-rlE', '12 Elm Street|"Hall"|lens cap', cloud.data]).catch((error) => error);
  assert.equal(grep.code, 1, `found in the server's folder: ${grep.stdout}`);
});
