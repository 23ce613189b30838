// @ts-check
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs `--version`: a file that exists may still miss a shared library or be no Redis server at all.
 *
 * @param {{ command: string, args: readonly string[] }} candidate
 * @param {string} source
 * @returns {Promise<import('./index.mjs').RedisBinary>}
 */
export async function checkBinary({ command, args }, source) {
  // `env` is explicit: in Jest, `process.env` is a copy, and without it the PATH of the original would be searched.
  const { stdout } = await run(command, [...args, '--version'], { timeout: 10_000, env: process.env });
  const version = stdout.trim().split('\n')[0] ?? '';
  if (!/server v=\d/i.test(version)) throw new Error(`${command} --version does not name a Redis server`);
  return { command, args, source, version };
}
