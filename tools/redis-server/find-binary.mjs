// @ts-check
import { fileURLToPath } from 'node:url';
import { checkBinary } from './check-binary.mjs';
import { commandIn, fetchFromDebian, listFetched } from './fetch-debian.mjs';

const cacheDir = fileURLToPath(new URL('../../.cache/redis', import.meta.url));

/** @returns {Promise<import('./index.mjs').RedisBinary>} */
export async function findRedisServer() {
  const chosen = process.env.REDIS_SERVER_BIN;
  if (chosen) return await checkChosen(chosen);
  return (await findOnPath()) ?? (await findFetched()) ?? (await fetchNow());
}

/**
 * Whoever names a binary means that one: running another instead would test the wrong server.
 *
 * @param {string} command
 */
async function checkChosen(command) {
  try {
    return await checkBinary({ command, args: [] }, 'REDIS_SERVER_BIN');
  } catch (error) {
    throw new Error(`REDIS_SERVER_BIN=${command} does not run as a Redis server: ${reason(error)}`, { cause: error });
  }
}

async function findOnPath() {
  for (const command of ['redis-server', 'valkey-server']) {
    const found = await checkBinary({ command, args: [] }, 'PATH').catch(() => undefined);
    if (found) return found;
  }
  return undefined;
}

async function findFetched() {
  for (const root of await listFetched(cacheDir)) {
    const found = await checkFetched(root).catch(() => undefined);
    if (found) return found;
  }
  return undefined;
}

async function fetchNow() {
  try {
    return await checkFetched(await fetchFromDebian(cacheDir));
  } catch (error) {
    const hint = 'No redis-server found: install redis or valkey, or set REDIS_SERVER_BIN=/path/to/redis-server';
    throw new Error(`${hint} (fetching one failed: ${reason(error)})`, { cause: error });
  }
}

/** @param {string} root */
async function checkFetched(root) {
  return await checkBinary(await commandIn(root), 'fetched copy');
}

/**
 * What a failed command wrote says more than that it failed; the last line is where tools name the cause.
 *
 * @param {unknown} error
 */
function reason(error) {
  const { stderr, message } = /** @type {Error & { stderr?: string }} */ (error);
  return (stderr?.trim() || message).split('\n').at(-1);
}
