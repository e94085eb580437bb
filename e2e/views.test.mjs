// Who viewed: of the whole home, and of one camera by its card's link or by the page's own choice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, person } from './lib/browser.mjs';
import { BIN } from './lib/env.mjs';
import { tiles } from './lib/people.mjs';
import { freePort, start } from './lib/processes.mjs';

test('who viewed is told of one camera alone', { timeout: 180_000 }, async (t) => {
  const demo = start(t, BIN, ['demo', '--port', String(await freePort())]);
  const [, elm] = await demo.says(/12 Elm Street\s+(http:\/\/localhost:\S+)/);
  await demo.says(/12 Elm Street: the first Event was recorded, sealed, uploaded and opened/, 60_000);
  const { page } = await person(t, await browser(t));
  await page.goto(elm);
  await tiles(page).first().waitFor();
  const { origin } = new URL(page.url());

  await page.goto(`${origin}/cameras`);
  // A picture on each card is a look at each camera.
  await page.locator('ks-camera-card img:not([hidden])').nth(1).waitFor({ timeout: 60_000 });
  await page.getByRole('link', { name: 'Who viewed Hall' }).click();
  const choice = page.getByRole('combobox', { name: 'Camera' });
  await page.getByRole('switch', { name: /only shown in a list/ }).check();
  const tells = (wanted) => page.waitForFunction((text) => {
    const told = [...document.querySelectorAll('li.view a')].map((row) => row.textContent);
    return told.length > 0 && told.every((row) => row === text);
  }, `An Event of ${wanted}`);
  await tells('Hall');
  assert.match(page.url(), /\/views\?camera=cam_/);
  await choice.selectOption({ label: 'Garden' });
  await tells('Garden');
  await page.reload();
  await tells('Garden');
  await choice.selectOption({ label: 'All cameras' });
  // Lists of the whole home are of no camera.
  await page.waitForFunction(() => new Set([...document.querySelectorAll('li.view a:not([hidden])')].map((row) => row.textContent)).size === 2);
  assert.ok(page.url().endsWith('/views'), page.url());
});
