// @ts-check
import { execFile } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const debianKeys = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** @typedef {(...args: string[]) => Promise<{ stdout: string }>} Apt */

/**
 * `apt-get` on the sources of this system. All that it writes goes into `workDir`, where it runs.
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
 * `apt-get` on one suite of Debian, whatever the system is. It takes nothing for installed, so that a simulated
 * install names the libraries of that suite, too. Signatures are checked as ever, with Debian's own keys.
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
    // A list that could not be fetched is an error here: an older one does not exist.
    'APT::Update::Error-Mode=any',
  ];
  return (...args) => apt(...asOptions(settings), ...args);
}

/**
 * Where Debian is: where `DEBIAN_MIRROR` says, else where this system gets it from, which may be the only place that
 * its network lets it reach.
 *
 * @param {Apt} apt
 */
async function mirror(apt) {
  // Also of what was never fetched: these are lists of our own.
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
