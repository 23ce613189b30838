// @ts-check
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { suiteApt, systemApt } from './apt.mjs';

const run = promisify(execFile);
const systemPackages = ['redis-server', 'redis-tools'];
const readyPrefix = 'ready-';
const fetchingPrefix = 'fetching-';
const abandonedAfterMs = 10 * 60_000;

/**
 * Downloads and unpacks the Debian or Ubuntu packages without root: those of this system, or of the named server. Each
 * fetch works in a directory of its own and publishes it by one rename, so processes that fetch at the same time never
 * see each other's half-unpacked files.
 *
 * @param {string} cacheDir
 * @param {import('./named-servers.mjs').NamedServer} [named]
 * @param {readonly string[]} [packages]
 * @returns {Promise<string>} the unpacked tree
 */
export async function fetchFromDebian(cacheDir, named, packages = named?.packages ?? systemPackages) {
  await mkdir(cacheDir, { recursive: true });
  await removeAbandoned(cacheDir);
  const workDir = await mkdtemp(join(cacheDir, fetchingPrefix));
  try {
    const root = join(workDir, 'root');
    for (const file of await download(workDir, named, packages)) await run('dpkg', ['-x', file, root]);
    const ready = join(cacheDir, basename(workDir).replace(fetchingPrefix, readyPrefix));
    await rename(root, ready);
    return ready;
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/**
 * @param {string} cacheDir
 * @returns {Promise<string[]>} the trees that earlier fetches left
 */
export async function listFetched(cacheDir) {
  const names = await readdir(cacheDir).catch(() => []);
  return names.filter((name) => name.startsWith(readyPrefix)).map((name) => join(cacheDir, name));
}

/**
 * How to run the server in an unpacked tree against the shared libraries beside it.
 *
 * @param {string} root
 * @param {string} [program] - its path in `/usr`, or its name in `/usr/bin`
 */
export async function commandIn(root, program = 'redis-server') {
  const server = join(root, 'usr', program.includes('/') ? program : `bin/${program}`);
  const libraries = await libraryDirs(root);
  const path = libraries.join(':');
  for (const dir of libraries) {
    const loader = (await readdir(dir)).find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
    // The tree contains a libc, which only works with its own loader, not with that of the system.
    if (loader) return { command: join(dir, loader), args: ['--library-path', path, server] };
  }
  // `env` replaces itself by the server, so that the spawned pid is the server's.
  return { command: 'env', args: [`LD_LIBRARY_PATH=${path}`, server] };
}

/** @param {string} root */
async function libraryDirs(root) {
  const found = [];
  for (const parent of [join(root, 'lib'), join(root, 'usr/lib')]) {
    const names = await readdir(parent).catch(() => []);
    found.push(...names.filter((name) => name.includes('-linux-')).map((name) => join(parent, name)));
  }
  return found;
}

/**
 * @param {string} workDir
 * @param {import('./named-servers.mjs').NamedServer | undefined} named
 * @param {readonly string[]} packages
 * @returns {Promise<string[]>} the package files
 */
async function download(workDir, named, packages) {
  const apt = await (named ? suiteApt(workDir, named.suite) : systemApt(workDir));
  await apt('update');
  // A simulated install names exactly the packages that are missing. `suiteApt` sees no installed packages, so it names
  // the base system as well, of which only the libraries are needed.
  const { stdout } = await apt('--simulate', '--no-install-recommends', 'install', ...packages);
  const missing = [...stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '');
  const needed = named ? missing.filter((name) => /^(lib|zlib)/.test(name)) : missing;
  await apt('download', ...new Set([...packages, ...needed]));
  return (await readdir(workDir)).filter((name) => name.endsWith('.deb')).map((name) => join(workDir, name));
}

/**
 * Removes the folders of fetches that were killed.
 *
 * @param {string} cacheDir
 */
async function removeAbandoned(cacheDir) {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith(fetchingPrefix)) continue;
    const path = join(cacheDir, name);
    const info = await stat(path).catch(() => undefined);
    if (info && Date.now() - info.mtimeMs > abandonedAfterMs) await rm(path, { recursive: true, force: true });
  }
}
