// @ts-check
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { runWithRetries } from './run-command.mjs';

const run = promisify(execFile);

/**
 * Fetches Node from the npm registry, which has a package with the binary per version and platform. It does so
 * directly: the package `node` does the same in an install script, which may not be allowed to run.
 *
 * @param {string} version
 * @param {string} cacheDir
 * @param {{ env: Record<string, string | undefined>, log: string }} context
 * @returns {Promise<string | undefined>} the folder to put first on the PATH; none when it could not be had
 */
export async function findNode(version, cacheDir, { env, log }) {
  if (process.versions.node === version) return path.dirname(process.execPath);
  const cwd = path.join(cacheDir, `node-${version}`);
  const name = packageName();
  const folder = path.join(cwd, 'node_modules', name, 'bin');
  if (await isNode(folder, version)) return folder;
  await mkdir(cwd, { recursive: true });
  await writeFile(path.join(cwd, 'package.json'), '{ "private": true }\n');
  const argv = ['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${version}`];
  await runWithRetries({ argv, cwd, env, log, timeoutMs: 300_000 });
  return (await isNode(folder, version)) ? folder : undefined;
}

function packageName() {
  const { platform, arch } = process;
  return `${platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node'}-${platform}-${arch}`;
}

/**
 * @param {string} folder
 * @param {string} version
 */
async function isNode(folder, version) {
  const { stdout } = await run(path.join(folder, 'node'), ['--version']).catch(() => ({ stdout: '' }));
  return stdout.trim() === `v${version}`;
}
