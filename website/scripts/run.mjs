// npm run docs:dev, docs:build and docs:look: installs the packages of the site if they are missing or old, makes the
// API reference, copies what pages offer for download, and starts VitePress or takes the photographs.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DOWNLOADS } from '../.vitepress/links.mjs';

const site = fileURLToPath(new URL('..', import.meta.url));
const [command = 'build', ...rest] = process.argv.slice(2);

/** @param {string} program @param {string[]} args */
function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: site, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** @param {string} name @param {string[]} args */
const tool = (name, args) => run(path.join(site, 'node_modules/.bin', name), args);

const lock = path.join(site, 'package-lock.json');
const installed = path.join(site, 'node_modules/.installed-lock.json');
if (!existsSync(installed) || readFileSync(installed, 'utf8') !== readFileSync(lock, 'utf8')) {
  run('npm', ['ci', '--no-fund', '--no-audit']);
  copyFileSync(lock, installed);
}

if (command === 'look') {
  run(process.execPath, ['scripts/look.mjs', ...rest]);
} else {
  cpSync(path.join(site, '..', DOWNLOADS), path.join(site, 'public', path.basename(DOWNLOADS)), { recursive: true });
  tool('typedoc', ['--logLevel', 'Warn']);
  tool('vitepress', [command, '.', ...rest]);
}
