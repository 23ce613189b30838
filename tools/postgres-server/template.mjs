// @ts-check
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chown, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serverUser } from './server-user.mjs';

const run = promisify(execFile);
const cacheDir = fileURLToPath(new URL('../../.cache/postgres', import.meta.url));

/**
 * An empty data folder to copy for each server: initdb takes a second, a copy a tenth of that.
 *
 * @param {import('./index.mjs').PostgresBinaries} binaries
 * @returns {Promise<string>}
 */
export async function dataTemplate({ initdb, version }) {
  const name = createHash('sha1').update(`${initdb} ${version}`).digest('hex').slice(0, 12);
  const template = join(cacheDir, `data-${name}`);
  if (await stat(template).catch(() => undefined)) return template;
  const work = await mkdtemp(join(tmpdir(), 'nestjs-locking-initdb-'));
  try {
    if (serverUser) await chown(work, serverUser.uid, serverUser.gid);
    const data = join(work, 'data');
    const options = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--wal-segsize=1'];
    await run(initdb, ['-D', data, ...options], { cwd: work, env: process.env, ...serverUser });
    await mkdir(cacheDir, { recursive: true });
    const copy = await mkdtemp(join(cacheDir, 'copying-'));
    await run('cp', ['-R', data, join(copy, 'data')]);
    // By one rename; a process that did the same at the same time may have been faster.
    await rename(join(copy, 'data'), template).catch(() => undefined);
    await rm(copy, { recursive: true, force: true });
    return template;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
