// The newcomer's first command, in the real browser: both homes side by side, Events that play, and a picture of every page.
import assert from 'node:assert/strict';
import os from 'node:os';
import { test } from 'node:test';
import { LOOKS, browser, person, picture, sound } from './lib/browser.mjs';
import { BIN } from './lib/env.mjs';
import { playing, tiles } from './lib/people.mjs';
import { freePort, start } from './lib/processes.mjs';

/** A newcomer sees their first Event within so many seconds of reading the addresses. */
const FIRST_EVENT_S = 30;

const PAGES = [
  ['events', '/events'], ['cameras', '/cameras'], ['people', '/people'], ['views', '/views'], ['home', '/home'],
  ['account', '/account'], ['pair', '/pair'],
];

test('the demo shows two homes side by side, and each its own Events only', { timeout: 300_000 }, async (t) => {
  const begun = Date.now();
  const demo = start(t, BIN, ['demo', '--port', String(await freePort())]);
  const [, elm] = await demo.says(/12 Elm Street\s+(http:\/\/localhost:\S+)/);
  const [, oak] = await demo.says(/7 Oak Avenue\s+(http:\/\/127\.0\.0\.1:\S+)/);
  const running = Date.now();
  const firsts = await Promise.all(['12 Elm Street', '7 Oak Avenue'].map(async (home) => {
    await demo.says(new RegExp(`${home}: the first Event was recorded, sealed, uploaded and opened`), 90_000);
    return (Date.now() - running) / 1000;
  }));
  const [load] = os.loadavg();
  // A machine that builds other things at the same time is given more time, and that is said.
  const limit = load > 2 * os.cpus().length ? 2 * FIRST_EVENT_S : FIRST_EVENT_S;
  t.diagnostic(`first Events ${firsts.map((s) => s.toFixed(1)).join(' and ')} s after the addresses, which came ${((running - begun) / 1000).toFixed(1)} s after the start; `
    + (limit === FIRST_EVENT_S ? `the limit is ${limit} s` : `the limit is ${limit} s and not ${FIRST_EVENT_S} s: load ${load.toFixed(1)} on ${os.cpus().length} cores`));
  assert.ok(Math.min(...firsts) < limit, `the first Event came after ${Math.min(...firsts)} s`);

  const chromium = await browser(t);
  const both = await person(t, chromium);
  const other = await both.context.newPage();
  for (const [page, link, home] of [[both.page, elm, '12 Elm Street'], [other, oak, '7 Oak Avenue']]) {
    await page.goto(link);
    await tiles(page).first().waitFor();
    await page.getByText(home).filter({ visible: true }).first().waitFor();
  }
  const ids = async (page) => (await page.locator('a.tile').evaluateAll((all) => all.map((tile) => tile.pathname)));
  const [ofElm, ofOak] = [await ids(both.page), await ids(other)];
  assert.ok(ofElm.length > 0 && ofOak.length > 0);
  assert.deepEqual(ofElm.filter((id) => ofOak.includes(id)), []);

  // A neighbour who types the address of the other home's Event.
  await other.goto(new URL(ofElm[0], oak).href);
  await other.getByText(/no longer|nothing here|not here/i).first().waitFor();
  assert.equal(await other.locator('video').evaluateAll((all) => all.filter((video) => video.videoWidth > 0).length), 0);

  for (const look of LOOKS) {
    const { page, context } = await person(t, chromium, { ...look, hasTouch: look.name.startsWith('phone') });
    for (const [name, path] of [['sign-in', '/sign-in'], ['recover', '/recover']]) {
      await page.goto(new URL(path, elm).href);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await sound(page, `${name} on ${look.name}`);
      await picture(page, `${name}-${look.name}`);
    }
    await page.goto(elm);
    await tiles(page).first().waitFor();
    for (const [name, path] of PAGES) {
      await page.goto(new URL(path, elm).href);
      await page.getByRole('heading', { level: 1 }).first().waitFor();
      if (name === 'events' || name === 'cameras') await page.locator('img[src^="blob:"]').first().waitFor();
      if (name === 'pair') await page.locator('#pair-code').filter({ hasText: '-' }).waitFor();
      await page.waitForLoadState('networkidle', { timeout: 1500 }).catch(() => {}); // the update stream never rests
      await sound(page, `${name} on ${look.name}`);
      await picture(page, `${name}-${look.name}`);
    }
    await page.goto(new URL(ofElm[0], elm).href);
    await playing(page);
    await sound(page, `event on ${look.name}`);
    await picture(page, `event-${look.name}`);
    await context.close();
  }

  // By keyboard alone: a tile, play and pause, the next Event, back to the same tile.
  const { page } = both;
  await page.goto(elm);
  await tiles(page).first().waitFor();
  await tiles(page).first().focus();
  await page.keyboard.press('Enter');
  await playing(page);
  const opened = page.url();
  await page.keyboard.press('Space');
  await page.waitForFunction(() => document.querySelector('video').paused);
  await page.keyboard.press('j');
  await page.waitForFunction((url) => location.href !== url, opened);
  await page.keyboard.press('Escape');
  await page.getByRole('heading', { name: 'Events', level: 1 }).waitFor();
});
