// @ts-check
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { checkBinary } from './check-binary.mjs';
import { commandIn, fetchFromDebian, listFetched } from './fetch-debian.mjs';
import { namedServer } from './named-servers.mjs';

const cacheDir = fileURLToPath(new URL('../../.cache/redis', import.meta.url));
const fetchAttempts = 3;

/**
 * @param {{ version?: string | undefined }} [options]
 * @returns {Promise<import('./index.mjs').RedisBinary>}
 */
export async function findRedisServer({ version } = {}) {
  const chosen = process.env.REDIS_SERVER_BIN;
  const name = version ?? process.env.REDIS_SERVER;
  if (version === undefined && chosen) return await checkChosen(chosen);
  if (name) return await findNamed(name);
  return (await findOnPath()) ?? (await findFetched(cacheDir)) ?? (await fetchNow());
}

/**
 * Like a named binary, a named version is that one or an error. Its copy has a folder of its own, so that a search for
 * any version does not find it.
 *
 * @param {string} name
 */
async function findNamed(name) {
  const named = namedServer(name);
  const folder = join(cacheDir, name);
  return (await findOnPath(named)) ?? (await findFetched(folder, named)) ?? (await fetchNamed(name, folder));
}

/**
 * A binary named by the user is used or is an error: running another one instead would test the wrong server.
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

/** @param {import('./named-servers.mjs').NamedServer} [named] */
async function findOnPath(named) {
  for (const command of ['redis-server', 'valkey-server']) {
    const found = await checkBinary({ command, args: [] }, 'PATH').catch(() => undefined);
    if (found && isIt(found, named)) return found;
  }
  return undefined;
}

/**
 * @param {string} folder
 * @param {import('./named-servers.mjs').NamedServer} [named]
 */
async function findFetched(folder, named) {
  for (const root of await listFetched(folder)) {
    const found = await checkFetched(root, named).catch(() => undefined);
    if (found && isIt(found, named)) return found;
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

/**
 * @param {string} name
 * @param {string} folder
 */
async function fetchNamed(name, folder) {
  const named = namedServer(name);
  for (let attempt = 1; ; attempt++) {
    try {
      const found = await checkFetched(await fetchFromDebian(folder, named), named);
      if (!isIt(found, named)) throw new Error(`Debian ${named.suite} has ${found.version}`);
      return found;
    } catch (error) {
      if (attempt < fetchAttempts) {
        await delay(attempt * 2_000);
        continue;
      }
      const hint = `${name} is not on the PATH: install it, or unset REDIS_SERVER to take any`;
      throw new Error(`${hint} (fetching it failed: ${reason(error)})`, { cause: error });
    }
  }
}

/**
 * @param {import('./index.mjs').RedisBinary} found
 * @param {import('./named-servers.mjs').NamedServer} [named]
 */
function isIt(found, named) {
  return !named || named.version.test(found.version);
}

/**
 * @param {string} root
 * @param {import('./named-servers.mjs').NamedServer} [named]
 */
async function checkFetched(root, named) {
  return await checkBinary(await commandIn(root, named?.program), 'fetched copy');
}

/**
 * The last line of a failed command's output, where tools name the cause.
 *
 * @param {unknown} error
 */
function reason(error) {
  const { stderr, message } = /** @type {Error & { stderr?: string }} */ (error);
  return (stderr?.trim() || message).split('\n').at(-1);
}
