import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from '../../support/pack.js';
import { runOrThrow } from '../../support/run-command.js';

const source = path.join(root, 'test/foreign/peers');

const FILES = [
  '.npmrc',
  'package.json',
  'package-lock.json',
  'medusa-framework-stub/package.json',
  'medusa-framework-stub/utils.cjs',
];

/** Loads one of the lock libraries, or the ioredis that belongs to them. */
export type LoadPeer = (name: string) => unknown;

/**
 * Installs the libraries of `peers`, which are no dependencies of this repository, so that a build does not need them.
 * A folder per content of `peers` is kept, so that the registry is asked only once.
 */
export async function installPeers(): Promise<LoadPeer> {
  const folder = path.join(root, 'node_modules/.cache', `foreign-peers-${await hashOfFiles()}`);
  if (!existsSync(folder)) await install(folder);
  return createRequire(path.join(folder, 'package.json'));
}

async function hashOfFiles(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of FILES) hash.update(`${file}\0`).update(await readFile(path.join(source, file)));
  return hash.digest('hex').slice(0, 12);
}

/**
 * Publishes the folder only when it is complete, also if the installation is interrupted or runs several times at once.
 */
async function install(folder: string): Promise<void> {
  const unfinished = `${folder}.${String(process.pid)}`;
  try {
    await mkdir(unfinished, { recursive: true });
    for (const file of FILES) await cp(path.join(source, file), path.join(unfinished, file));
    const args = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    await runOrThrow('npm', args, { cwd: unfinished, timeout: 180_000 });
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
