/* global document -- what is evaluated in the browser */
// npm run docs:look [-- page …]: photographs the built site at desktop and phone width, light and dark, and fails where a page logs an
// error, shows a broken picture, or is wider than the screen.
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from 'vitepress';
import { findChromium } from './find-chromium.mjs';

const site = fileURLToPath(new URL('..', import.meta.url));
const built = path.join(site, '../.cache/website');
const pictures = path.join(site, '../.cache/website-looks');
const port = 4173;

const wanted = process.argv.slice(2);
const pages = readdirSync(built, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.html') && name !== '404.html')
  .map((name) => name.slice(0, -'.html'.length))
  // one page of the API reference stands for all
  .filter((name) => !name.startsWith('api/') || name === 'api/index')
  .filter((name) => wanted.length === 0 || wanted.includes(name));

const SCREENS = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

mkdirSync(pictures, { recursive: true });
await serve({ root: site, port });
const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
const complaints = [];
try {
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      const context = await browser.newContext({ viewport, colorScheme });
      context.setDefaultTimeout(120_000);
      const tab = await context.newPage();
      for (const page of pages) complaints.push(...(await look(tab, page, `${screen}-${colorScheme}`)));
      await context.close();
    }
  }
} finally {
  await browser.close();
}
for (const complaint of complaints) console.error(complaint);
console.log(`${pages.length} pages, ${pages.length * 4} pictures in ${path.relative(process.cwd(), pictures)}`);
process.exit(complaints.length === 0 ? 0 : 1);

/**
 * @param {import('playwright-core').Page} tab
 * @param {string} page
 * @param {string} variant
 */
async function look(tab, page, variant) {
  /** @type {string[]} */
  const found = [];
  const listen = (/** @type {Error} */ error) => found.push(`${page} (${variant}): ${error.message}`);
  tab.on('pageerror', listen);
  await tab.goto(`http://localhost:${port}/${page.replace(/(^|\/)index$/, '$1')}`, { waitUntil: 'networkidle' });
  for (const diagram of await tab.locator('.mermaid').all()) {
    await diagram.locator('svg').waitFor();
  }
  const { overflow, broken } = await tab.evaluate(() => ({
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    broken: [...document.images].filter((image) => image.complete && image.naturalWidth === 0).map(({ src }) => src),
  }));
  if (overflow > 0) found.push(`${page} (${variant}): ${overflow} px wider than the screen`);
  for (const src of broken) found.push(`${page} (${variant}): ${src} is broken`);
  await tab.screenshot({ path: path.join(pictures, `${page.replaceAll('/', '_')}-${variant}.png`), fullPage: true });
  tab.off('pageerror', listen);
  return found;
}
