// An invitation as it goes from one phone to another: the sheet fits, and the QR code that stands on the screen is read by somebody else's reader.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, person, picture } from './lib/browser.mjs';
import { jsQR } from './lib/env.mjs';
import { inviteByLink, nameHome, signUp } from './lib/people.mjs';
import { execFileSync } from 'node:child_process';
import { server } from './lib/processes.mjs';

/** What a QR code says, from a picture of it. */
function read(png, width) {
  const grey = execFileSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-vf', `scale=${width}:-1:flags=area`, '-f', 'rawvideo', '-pix_fmt', 'rgba', 'pipe:1'], { input: png, maxBuffer: 1 << 26 });
  return jsQR(new Uint8ClampedArray(grey), width, grey.length / 4 / width)?.data;
}

test('an invitation is made on a phone, scanned by another, and joined', { timeout: 120_000 }, async (t) => {
  const cloud = await server(t);
  const chromium = await browser(t);
  const owner = await person(t, chromium, { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true, deviceScaleFactor: 2 });
  const { page } = owner;
  const [setUpLink] = await cloud.process.says(/http:\S+\/set-up#\S+/);
  await page.goto(setUpLink);
  await signUp(page, 'elm');
  await nameHome(page, '12 Elm Street');
  await page.getByRole('heading', { name: 'Add the box at home' }).waitFor();

  // A box's pairing code, too, can be scanned instead of typed.
  const pairing = page.locator('#pair-code').filter({ hasText: '-' });
  await pairing.waitFor();
  await page.getByText('Or scan it').click();
  const scan = page.getByRole('img', { name: 'The code as a QR code' });
  const width = await scan.evaluate((svg) => svg.getBoundingClientRect().width);
  assert.equal(read(await scan.screenshot(), Math.round(width * 2)), await pairing.textContent());

  const link = await inviteByLink(page, cloud.url);
  assert.equal(link.split('#')[1].split('.').length, 4);

  for (const [width, height] of [[390, 844], [320, 568]]) {
    await page.setViewportSize({ width, height });
    const sheet = page.getByRole('dialog');
    const sideways = await sheet.evaluate((dialog) => [dialog.scrollWidth - dialog.clientWidth, document.documentElement.scrollWidth - innerWidth]);
    assert.deepEqual(sideways, [0, 0], `${width} px: nothing scrolls sideways`);
    await picture(page, `invitation-phone-${width}`);
    const code = page.getByRole('img', { name: /QR code/ });
    const shot = await code.screenshot();
    // As sharp as the screen shows it, and as a poor camera may see it: two and a half pixels for each module.
    const { modules, pixels } = await code.evaluate((svg) => ({ modules: svg.viewBox.baseVal.width, pixels: svg.getBoundingClientRect().width }));
    assert.ok(pixels / modules >= 4, `${width} px: ${pixels / modules} pixels for a module`);
    assert.equal(read(shot, Math.round(pixels * 2)), link);
    assert.equal(read(shot, Math.round(modules * 2.5)), link);
    for (const name of ['Copy link', 'Done']) {
      await page.getByRole('button', { name }).scrollIntoViewIfNeeded();
      const box = await page.getByRole('button', { name }).boundingBox();
      assert.ok(box.height >= 44 && box.x >= 0 && box.x + box.width <= width, `${width} px: ${name}`);
    }
  }
  await page.getByRole('button', { name: 'Done' }).click();

  const member = await person(t, chromium, { viewport: { width: 320, height: 568 } });
  await member.page.goto(link);
  await member.page.getByRole('heading', { name: 'You are invited to 12 Elm Street' }).waitFor();
  await member.page.getByRole('button', { name: 'I am new here' }).click();
  await signUp(member.page, 'oak');
  await member.page.getByRole('button', { name: 'Join as oak' }).click();
  await member.page.getByText('Nothing yet.').waitFor();

  // Once: the same link no longer opens anything, for anybody.
  await member.page.goto(link);
  await member.page.getByRole('heading', { name: 'This invitation can’t be opened' }).waitFor();
});
