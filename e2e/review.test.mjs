// Looking through what was recorded: filters, the way back to the same tile, neighbours, the player's controls, keeping and deleting, and a lockdown
// that stops all of it. Four cameras record an Event or two each; then the box is switched off, so that the list holds still.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { dayKey } from '../web/ui/time.js';
import { browser, person, pictures } from './lib/browser.mjs';
import { addDemoCamera, playing, setUp, tiles } from './lib/people.mjs';
import { agentCli, folder, server } from './lib/processes.mjs';

const VIEWS = ['hall', 'garden', 'front-door', 'street'];

/** Reads something of the page's video. */
const video = (page, name) => page.evaluate((what) => document.querySelector('video')[what], name);
/** The addresses of the tiles, newest first. */
const addresses = (page) => page.locator('a.tile').evaluateAll((all) => all.map((tile) => tile.pathname));
const at = (page) => new URL(page.url()).pathname;

test('what was recorded is looked through, kept, deleted, and closed by a lockdown', { timeout: 300_000 }, async (t) => {
  const dir = await folder(t);
  const data = path.join(dir, 'agent');
  const cloud = await server(t, { data: path.join(dir, 'server') });
  const chromium = await browser(t);
  const { page, context } = await person(t, chromium);
  const { agent } = await setUp(t, page, cloud, data);
  const cameras = [];
  for (const view of VIEWS) cameras.push(await addDemoCamera(data, view));
  await page.goto(`${cloud.url}/events`);
  const home = await page.evaluate(async () => (await (await fetch('/api/v1/homes')).json())[0]);
  const list = () => page.evaluate(async (id) => (await (await fetch(`/api/v1/homes/${id}/events`)).json()).events, home.home);
  const begun = Date.now();
  for (let recorded = [], triggered = false; ; recorded = await list()) {
    const [all, whole] = [new Set(recorded.map(({ camera }) => camera)), recorded.filter(({ complete }) => complete)];
    if (triggered && whole.length >= 6 && whole.length === recorded.length) break;
    if (all.size === 4 && whole.length >= 4 && !triggered) {
      triggered = true;
      for (const camera of cameras) await agentCli(data, ['trigger', camera]);
    }
    assert.ok(Date.now() - begun < 120_000, `${recorded.length} Events were recorded in two minutes`);
    await page.waitForTimeout(500);
  }
  await agent.stop();
  t.diagnostic(`${(await list()).length} Events in ${Math.round((Date.now() - begun) / 1000)} s`);

  await page.setViewportSize({ width: 340, height: 560 }); // few of them fit
  await page.goto(`${cloud.url}/events`);
  await tiles(page).first().waitFor();
  const all = await addresses(page);
  assert.ok(all.length >= 6);

  await t.test('back from an Event leads to the same place and tile', async () => {
    const tile = page.locator(`a.tile[href="${all.at(-2)}"]`);
    await tile.scrollIntoViewIfNeeded();
    // Where the reader stands when they tap it; what the test's own hand scrolls is done by then.
    await page.evaluate(() => document.addEventListener('click', () => { globalThis.place = scrollY; }, { capture: true }));
    const focused = () => page.evaluate(() => document.activeElement?.pathname);
    for (const leave of [() => page.goBack(), () => page.locator('ks-event-page').getByRole('link', { name: 'Events', exact: true }).click(), () => page.keyboard.press('Escape')]) {
      await tile.click();
      await playing(page);
      assert.equal(at(page), all.at(-2));
      const place = await page.evaluate(() => globalThis.place);
      assert.ok(place > 200, `scrolled to ${place}`);
      await leave();
      await tile.waitFor();
      const back = await page.waitForFunction((where) => Math.abs(scrollY - where) <= 1, place, { timeout: 3000 }).then(() => place, () => page.evaluate(() => scrollY));
      assert.equal(back, place);
      assert.equal(await focused(), all.at(-2));
    }
    assert.deepEqual(await addresses(page), all);
  });

  await t.test('the neighbours, by their links and by j and k', async () => {
    await page.setViewportSize({ width: 1280, height: 800 });
    const [later, earlier] = [all.at(-4), all.at(-3)];
    await page.goto(cloud.url + later);
    await playing(page);
    const arrives = async (address) => { await page.waitForFunction((to) => location.pathname === to, address); await playing(page); };
    await page.keyboard.press('j');
    await arrives(earlier);
    await page.keyboard.press('k');
    await arrives(later);
    await page.getByRole('link', { name: 'Earlier' }).click();
    await arrives(earlier);
    await page.getByRole('link', { name: 'Later' }).click();
    await arrives(later);
    await page.keyboard.press('Control+j'); // a browser's own key
    await page.waitForTimeout(200);
    assert.equal(at(page), later);
    await page.goto(cloud.url + all.at(-1));
    await playing(page);
    assert.equal(await page.getByText('Earlier', { exact: false }).first().getAttribute('aria-disabled'), 'true');
    await page.keyboard.press('j');
    await page.waitForTimeout(300);
    assert.equal(at(page), all.at(-1), 'there is none before the first');
  });

  await t.test('speed, and one frame on or back', async () => {
    await page.getByRole('button', { name: 'Speed 1×' }).click();
    await page.getByRole('menuitemradio', { name: '2×' }).click();
    assert.equal(await video(page, 'playbackRate'), 2);
    await page.getByRole('button', { name: 'Speed 2×' }).click();
    await page.getByRole('menuitemradio', { name: 'Normal' }).click();
    assert.equal(await video(page, 'playbackRate'), 1);
    await page.evaluate(() => document.querySelector('video').pause());
    const stepped = async (act, way) => {
      const before = await video(page, 'currentTime');
      await act();
      await page.waitForFunction(([from, sign]) => { const { currentTime, seeking } = document.querySelector('video'); return !seeking && (currentTime - from) * sign > 0.01; }, [before, way]);
      const by = await video(page, 'currentTime') - before;
      assert.ok(Math.abs(by) < 0.35, `one frame, not ${by} s`);
      assert.equal(await video(page, 'paused'), true);
    };
    await stepped(() => page.getByRole('button', { name: 'One frame forward' }).click(), 1);
    await stepped(() => page.getByRole('button', { name: 'One frame back' }).click(), -1);
    await stepped(() => page.keyboard.press('.'), 1);
    await stepped(() => page.keyboard.press(','), -1);
  });

  await t.test('kept, let go, and deleted', async () => {
    const gone = all.at(-1);
    await page.goto(`${cloud.url}/events`);
    await page.locator(`a.tile[href="${gone}"]`).click();
    await page.getByRole('button', { name: 'Keep', exact: true }).click();
    await page.getByRole('button', { name: 'Kept', exact: true, pressed: true }).waitFor();
    const row = async () => (await list()).find(({ event }) => gone.endsWith(event));
    assert.equal((await row()).kept, true);
    await page.goBack();
    const tile = page.locator(`a.tile[href="${gone}"]`);
    await tile.getByText('Kept').waitFor();
    await tile.click();
    await page.getByRole('button', { name: 'Kept', exact: true }).click();
    await page.getByRole('button', { name: 'Keep', exact: true, pressed: false }).waitFor();
    assert.equal((await row()).kept, false);
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    assert.ok(await row(), 'thought better of');
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: /^Delete/ }).click();
    await page.getByRole('heading', { name: 'Events', level: 1 }).waitFor();
    await tile.waitFor({ state: 'detached' });
    assert.equal(await row(), undefined);
    all.pop();
    assert.deepEqual(await addresses(page), all);
    await page.goto(cloud.url + gone);
    await page.getByText(/nothing here|no longer/i).filter({ visible: true }).first().waitFor();
  });

  await t.test('by camera, by day, and only new ones', async () => {
    await page.goto(`${cloud.url}/events`);
    await tiles(page).first().waitFor();
    const shows = (wanted) => page.waitForFunction((those) => JSON.stringify([...document.querySelectorAll('a.tile')].map((tile) => tile.pathname)) === JSON.stringify(those), wanted);
    const ofDoor = all.filter((address) => address.includes(cameras[2]));
    assert.ok(ofDoor.length > 0 && ofDoor.length < all.length);
    await page.getByLabel('Camera', { exact: true }).selectOption({ label: 'front-door' });
    await shows(ofDoor);
    await page.reload(); // its address says it too
    await shows(ofDoor);
    await page.getByLabel('Camera', { exact: true }).selectOption({ label: 'All cameras' });
    await shows(all);

    const days = [...new Set((await list()).map(({ filed }) => dayKey(filed, home.time_zone)))];
    const day = page.getByLabel('Day', { exact: true });
    await day.fill(days[0]);
    if (days.length === 1) await shows(all); // else midnight has just passed
    await day.fill('2020-02-29');
    await page.getByText('No Events like this.').waitFor();
    await page.getByRole('button', { name: 'Show all Events' }).click();
    await shows(all);

    const seen = new Set((await list()).filter((row) => row.seen).map(({ event }) => event));
    const fresh = all.filter((address) => !seen.has(address.split('/').at(-1)));
    assert.ok(fresh.length > 0 && fresh.length < all.length, 'some were opened, some were not');
    await page.getByLabel('New only').check();
    await shows(fresh);
    await page.getByLabel('New only').uncheck();
    await shows(all);
  });

  await t.test('gaps of days stand where they ended; new ones are told', async () => {
    const newest = (await list())[0];
    const DAY = 86_400_000;
    const camera = newest.camera;
    const gaps = [
      { gap: `gap_${'1'.repeat(26)}`, camera, from: newest.filed - 2 * DAY, until: newest.filed - 1, reason: 'camera_not_reached' },
      { gap: `gap_${'2'.repeat(26)}`, camera, from: newest.filed - 9 * DAY, until: newest.filed - DAY, reason: 'agent_off' },
    ];
    await page.route(/\/events\?/, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...await answer.json(), gaps } });
    });
    await page.goto(`${cloud.url}/events`);
    await page.locator('ks-gap').nth(1).waitFor();
    const days = await page.locator('section.day').evaluateAll((all) => all.map((section) => section.dataset.day));
    assert.deepEqual(days, [...new Set(days)].sort().reverse(), 'each day once, newest first');
    const shown = await page.locator('ks-gap').evaluateAll((all) => all.map((gap) => [gap.closest('section').dataset.day, gap.closest('li').previousElementSibling !== null]));
    assert.deepEqual(shown, [[dayKey(gaps[0].until, home.time_zone), true], [dayKey(gaps[1].until, home.time_zone), false]]);
    await page.getByText(/nothing was recorded from .* to yesterday .*, because the box at home was not running/).waitFor();

    // The one goes on and another one comes: the server says that something of the home has changed.
    gaps[1].until += 1000;
    gaps[1].reason = 'spool_full';
    gaps.unshift({ ...gaps[0], gap: `gap_${'3'.repeat(26)}`, from: newest.filed + 1, until: newest.filed + 2 });
    const said = await page.evaluate(async ({ home: id, time_zone, retention_days, retention_bytes }) => (await fetch(`/api/v1/homes/${id}/settings`, {
      method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ time_zone, retention_days, retention_bytes }),
    })).status, home);
    assert.ok(said < 300, `${said}`);
    await page.getByText(/because the box at home ran out of space/).waitFor();
    assert.equal(await page.locator('ks-gap').count(), 2, 'nothing is pushed under the reader');
    await page.getByRole('button', { name: '1 new gap' }).click();
    await page.locator('ks-gap').nth(2).waitFor();
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });

  await t.test('a lockdown stops what plays elsewhere, stands on every page, and ends', async () => {
    const other = await context.newPage();
    const played = all.at(-2);
    await other.goto(cloud.url + played);
    await playing(other);
    const watching = await context.newPage();
    await watching.goto(`${cloud.url}/cameras`);
    await watching.locator('img[src^="blob:"]').nth(3).waitFor();
    await page.goto(`${cloud.url}/home`);
    await page.getByRole('button', { name: 'Start a lockdown' }).click();
    await page.getByRole('button', { name: 'Stop all viewing' }).click();
    const bar = (tab) => tab.locator('.bar').filter({ hasText: 'Your home is in lockdown. No one can open videos until it ends.' });
    await bar(page).waitFor();
    const started = Date.now();
    await bar(other).waitFor({ timeout: 5000 });
    t.diagnostic(`what played elsewhere stopped ${Date.now() - started} ms after the lockdown was shown`);
    assert.deepEqual([await video(other, 'readyState'), await video(other, 'videoWidth')], [0, 0], 'the picture is cleared');
    await watching.locator('ks-camera-card').getByText('In lockdown').nth(3).waitFor();
    assert.equal(await watching.locator('ks-camera-card img:visible').count(), 0, 'no last picture stays');
    assert.equal(await watching.getByText(/No picture yet|No Events today/).count(), 0, 'nor is it said that there is none');
    await pictures(watching, 'lockdown-cameras');
    await watching.close();
    await pictures(page, 'lockdown-home');
    await pictures(other, 'lockdown-event');
    for (const place of ['/events', '/cameras', '/people', '/account']) {
      await page.goto(cloud.url + place);
      await bar(page).waitFor();
      assert.equal(await page.locator('img[src^="blob:"]:visible').count(), 0, `${place} shows no picture`);
      if (place === '/events') await pictures(page, 'lockdown-events');
    }
    await page.goto(cloud.url + played);
    await page.getByText('in lockdown').filter({ visible: true }).nth(1).waitFor();
    await page.goto(`${cloud.url}/home`);
    await page.getByRole('button', { name: 'End the lockdown' }).click();
    await bar(page).waitFor({ state: 'hidden' });
    await bar(other).waitFor({ state: 'hidden', timeout: 15_000 });
    await playing(other); // by itself
  });
});
