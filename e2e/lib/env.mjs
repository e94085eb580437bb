// Where the things under test are: told by `cargo xtask e2e`, never guessed.
import { createRequire } from 'node:module';
import path from 'node:path';

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this through \`cargo xtask e2e\``);
  return value;
}

export const BIN = need('KEEPSIGHT_BIN');
export const MEDIA = need('KEEPSIGHT_MEDIA');
export const OUT = need('KEEPSIGHT_OUT');
export const OPEN_WALLS_BIN = process.env.KEEPSIGHT_OPEN_WALLS_BIN;
export const ROOT = path.resolve(import.meta.dirname, '../..');

const require = createRequire(path.join(need('KEEPSIGHT_NODE_MODULES'), 'x.js'));
export const { chromium } = require('playwright-core');
/** Reads QR codes: somebody else's reader. */
export const jsQR = require('jsqr');
