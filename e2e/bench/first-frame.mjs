// From the click on a tile to the first decoded frame: the demo's Events, this machine, Chromium without a GPU. The first opening of an
// Event in a fresh profile is counted apart from openings of others after it.
import os from 'node:os';
import { browser, person } from '../lib/browser.mjs';
import { BIN } from '../lib/env.mjs';
import { tiles } from '../lib/people.mjs';
import { freePort, start } from '../lib/processes.mjs';

const ROUNDS = 40;
const ends = [];
const t = { after: (end) => ends.push(end) };

/** Milliseconds from the click to the first frame that the video presents. */
async function clickToFrame(page, index) {
  await page.evaluate((n) => {
    window.measured = new Promise((resolve) => {
      const tile = document.querySelectorAll('a.tile')[n];
      tile.addEventListener('click', (event) => {
        const clicked = event.timeStamp;
        const look = () => {
          const video = document.querySelector('video');
          if (!video) return requestAnimationFrame(look);
          video.requestVideoFrameCallback((now) => resolve(now - clicked));
        };
        look();
      }, { once: true, capture: true });
    });
  }, index);
  await tiles(page).nth(index).click();
  return page.evaluate(() => window.measured);
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

async function main() {
  const demo = start(t, BIN, ['demo', '--port', String(await freePort())]);
  const [, link] = await demo.says(/12 Elm Street\s+(http:\/\/localhost:\S+)/);
  await demo.says(/12 Elm Street: the first Event/, 60_000);
  const { page } = await person(t, await browser(t));
  await page.goto(link);
  // What arrives while the list is open waits behind "new": the list is opened again until it has four.
  while (await tiles(page).count() < 4) {
    await page.waitForTimeout(5000);
    await page.goto(new URL('/events', link).href);
    await tiles(page).first().waitFor();
    await page.waitForTimeout(1000);
  }
  console.log(`${os.cpus()[0].model}, ${os.cpus().length} cores; the demo's four cameras go on recording meanwhile`);
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    times.push(await clickToFrame(page, round % 4));
    await page.keyboard.press('Escape');
    await tiles(page).nth(3).waitFor();
  }
  console.log(times.map((ms) => ms.toFixed(0)).join(' '));
  console.log(`the very first: ${times[0].toFixed(0)} ms`);
  const sorted = times.toSorted((a, b) => a - b);
  console.log(JSON.stringify({ bench: 'first-frame', p50_ms: Math.round(at(sorted, 0.5)), p95_ms: Math.round(at(sorted, 0.95)), rounds: ROUNDS }));
}

try {
  await main();
} finally {
  for (const end of ends.reverse()) await end();
}
