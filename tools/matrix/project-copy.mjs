// @ts-check
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runWithRetries } from './run-command.mjs';

/** Generated files and folders, which are not copied. `.gitignore` names them, too. */
const made = /^(node_modules|dist|dist-.*|\.cache|coverage|\.git|.*\.tgz|.*\.log)$/;
/** Kept when the copy is made again. */
const kept = ['node_modules', 'installed'];
/** No test needs them, and each asks for a Node of its own. */
const onlyForChecks = [
  '@arethetypeswrong/cli',
  '@eslint/js',
  'dependency-cruiser',
  'eslint',
  'knip',
  'prettier',
  'publint',
  'typescript-eslint',
];

/**
 * Copies the project with other versions in its package.json.
 *
 * @param {string} root
 * @param {string} folder
 * @param {Readonly<Record<string, string>>} packages
 */
export async function copyProject(root, folder, packages) {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    if (!kept.includes(name)) await rm(path.join(folder, name), { recursive: true });
  }
  await cp(root, folder, { recursive: true, filter: (source) => !made.test(path.basename(source)) });
  await overrideVersions(path.join(folder, 'package.json'), packages);
  await forgetVersions(path.join(folder, 'package-lock.json'), Object.keys(packages));
  // All copies share the fetched servers.
  await mkdir(path.join(folder, '.cache'));
  for (const name of ['redis', 'postgres']) {
    const servers = path.join(root, '.cache', name);
    await mkdir(servers, { recursive: true });
    await symlink(servers, path.join(folder, '.cache', name));
  }
}

/**
 * @param {string} file
 * @param {Readonly<Record<string, string>>} packages
 */
async function overrideVersions(file, packages) {
  const manifest = JSON.parse(await readFile(file, 'utf8'));
  for (const name of onlyForChecks) delete manifest.devDependencies[name];
  for (const [name, version] of Object.entries(packages)) {
    if (!manifest.devDependencies[name]) throw new Error(`${name} is not among the devDependencies`);
    manifest.devDependencies[name] = version;
  }
  await writeFile(file, `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * Without the overridden packages in the lock file: from their newest versions there, npm does not always find a way.
 *
 * @param {string} file
 * @param {readonly string[]} names
 */
async function forgetVersions(file, names) {
  const lock = JSON.parse(await readFile(file, 'utf8'));
  for (const name of names) delete lock.packages[`node_modules/${name}`];
  await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`);
}

/**
 * Installs the packages of the copy, unless an earlier run has. The project's lock file holds for all packages that are
 * not overridden; npm changes only the lock file of the copy.
 *
 * @param {string} folder
 * @param {{ env: Record<string, string | undefined>, log: string }} context
 */
export async function installPackages(folder, { env, log }) {
  const stamp = path.join(folder, 'installed');
  const lock = path.join(folder, 'package-lock.json');
  const wanted = await hashOf(path.join(folder, 'package.json'), lock);
  const [before, lockOfBefore] = (await readFile(stamp, 'utf8').catch(() => '')).split('\n\n');
  if (before === wanted) {
    await writeFile(lock, lockOfBefore ?? '');
    return true;
  }
  await rm(stamp, { force: true });
  await rm(path.join(folder, 'node_modules'), { recursive: true, force: true });
  // Only a conflict with package.json is an error: conflicts among the packages themselves can't be mended here.
  const argv = ['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund'];
  if (!(await runWithRetries({ argv, cwd: folder, env, log, timeoutMs: 600_000 }))) return false;
  await writeFile(stamp, `${wanted}\n\n${await readFile(lock, 'utf8')}`);
  return true;
}

/** @param {string[]} files */
async function hashOf(...files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  return hash.digest('hex');
}
