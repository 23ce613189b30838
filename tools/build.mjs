// @ts-check
/** Builds the package into `dist/`: ES modules and CommonJS, from the same sources. */
import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@typescript/native/package.json')),
  'bin/tsc',
);

/** @param {string[]} args */
const node = (...args) => execFileSync(process.execPath, args, { cwd: root, stdio: 'inherit' });

await rm(new URL('../dist', import.meta.url), { recursive: true, force: true });
node('tools/embed-scripts.mjs');
node(tsc, '-p', 'tsconfig.build.json');
node(tsc, '-p', 'tsconfig.build.cjs.json');
await writeFile(new URL('../dist/cjs/package.json', import.meta.url), '{"type":"commonjs"}\n');
