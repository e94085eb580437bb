// Chromium as Debian ships it, a fresh profile each, and what a page said that it should not have.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { OUT, chromium } from './env.mjs';

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--mute-audio'];

/** A running browser that ends with the test. */
export async function browser(t) {
  const running = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
  t.after(async () => {
    // A request that a test was about to answer when it ended is nobody's fault.
    const pages = running.contexts().flatMap((context) => [context, ...context.pages()]);
    await Promise.all(pages.map((page) => page.unrouteAll({ behavior: 'ignoreErrors' })));
    await running.close();
  });
  return running;
}

/** A person's own browser profile, with one page. Console errors and failed scripts fail the test at its end. */
export async function person(t, running, options = {}) {
  const context = await running.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    const expected = /Failed to load resource/; // an HTTP error status, which the page handles
    if (message.type() === 'error' && !expected.test(message.text())) faults.push(message.text());
  });
  t.after(() => assert.deepEqual(faults, [], 'the page reported errors'));
  return { context, page, faults };
}

/** Saves a picture of the page for people to look at. */
export async function picture(page, name) {
  const folder = path.join(OUT, 'screenshots');
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}

/** How a page is looked at: on a phone and on a desktop, in the light and in the dark. */
export const LOOKS = [
  { name: 'phone-light', viewport: { width: 390, height: 844 }, colorScheme: 'light' },
  { name: 'phone-dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
  { name: 'desktop-light', viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  { name: 'desktop-dark', viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
];

/** A picture of what the page shows now in every look, and what holds for every page; then it is as it was. */
export async function pictures(page, name) {
  const size = page.viewportSize();
  for (const look of LOOKS) {
    await page.setViewportSize(look.viewport);
    await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: 'reduce' }); // not in the middle of a change of colours
    await sound(page, `${name} on ${look.name}`);
    await picture(page, `${name}-${look.name}`);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  await page.setViewportSize(size);
}

/** What holds for every page: no sideways scroll, every control has a name. */
export async function sound(page, where) {
  const { wide, nameless } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth - innerWidth,
    nameless: [...document.querySelectorAll('button, a[href], input, select')].filter((control) => {
      if (!control.checkVisibility() || control.ariaHidden === 'true') return false;
      const labelled = control.ariaLabel || control.getAttribute('aria-labelledby') || control.labels?.length;
      return !labelled && !control.textContent.trim();
    }).map((control) => control.outerHTML.slice(0, 80)),
  }));
  assert.ok(wide <= 0, `${where}: scrolls sideways by ${wide} px`);
  assert.deepEqual(nameless, [], `${where}: controls without a name`);
}

/** The mean red, green, blue (0-255) of a part of the video's current frame, given in fractions of it. */
export function pixels(page, { x, y, w, h }) {
  return page.evaluate(({ x, y, w, h }) => {
    const video = document.querySelector('video');
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0);
    const { data } = context.getImageData(x * canvas.width, y * canvas.height, w * canvas.width, h * canvas.height);
    const sum = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) for (let c = 0; c < 3; c++) sum[c] += data[i + c];
    return sum.map((total) => total / (data.length / 4));
  }, { x, y, w, h });
}
