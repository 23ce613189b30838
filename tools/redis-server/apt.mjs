// @ts-check
import { execFile } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const debianKeys = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** @typedef {(...args: string[]) => Promise<{ stdout: string }>} Apt */

/**
 * `apt-get` on the sources of this system. It runs in `workDir` and writes only there.
 *
 * @param {string} workDir
 * @returns {Promise<Apt>}
 */
export async function systemApt(workDir) {
  const lists = join(workDir, 'lists');
  const cache = join(workDir, 'cache');
  await mkdir(join(lists, 'partial'), { recursive: true });
  await mkdir(join(cache, 'archives/partial'), { recursive: true });
  const settings = [
    // Package lists of our own: the system's may be missing or stale, and only root can update them.
    `Dir::State::lists=${lists}`,
    `Dir::Cache=${cache}`,
    // As root, apt would switch to a user that may not be allowed to write here.
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::Retries=2',
    'Acquire::http::Timeout=30',
    'Acquire::https::Timeout=30',
  ];
  const options = { cwd: workDir, env: { ...process.env, LC_ALL: 'C' } };
  return (...args) => run('apt-get', ['-q', ...asOptions(settings), ...args], options);
}

/**
 * `apt-get` on one suite of Debian, on any system. It sees no installed packages, so that a simulated install names the
 * libraries of that suite, too. It checks signatures as usual, with Debian's own keys.
 *
 * @param {string} workDir
 * @param {string} suite
 * @returns {Promise<Apt>}
 */
export async function suiteApt(workDir, suite) {
  const apt = await systemApt(workDir);
  await access(debianKeys).catch((cause) => {
    throw new Error(`${debianKeys} is missing: install the package debian-archive-keyring`, { cause });
  });
  const sources = join(workDir, 'sources.list');
  const nothingInstalled = join(workDir, 'status');
  await writeFile(sources, `deb [signed-by=${debianKeys}] ${await mirror(apt)} ${suite} main\n`);
  await writeFile(nothingInstalled, '');
  const settings = [
    `Dir::Etc::sourcelist=${sources}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::status=${nothingInstalled}`,
    // A list that could not be fetched is an error, as there is no older one to fall back to.
    'APT::Update::Error-Mode=any',
  ];
  return (...args) => apt(...asOptions(settings), ...args);
}

/**
 * The URL of Debian: `DEBIAN_MIRROR`, else the mirror of this system, which may be the only one that its network can
 * reach.
 *
 * @param {Apt} apt
 */
async function mirror(apt) {
  // Includes targets that were never fetched, as these are lists of our own.
  const ask = ['indextargets', '--no-release-info', '--format', '$(REPO_URI)', 'Created-By: Packages'];
  const { stdout } = await apt(...ask);
  const found = process.env.DEBIAN_MIRROR ?? stdout.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  if (found === undefined)
    throw new Error('this system does not get Debian from anywhere: set DEBIAN_MIRROR to its URL');
  return found;
}

/** @param {string[]} settings */
function asOptions(settings) {
  return settings.flatMap((setting) => ['-o', setting]);
}
