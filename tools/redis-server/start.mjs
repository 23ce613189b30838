// @ts-check
import { setTimeout as delay } from 'node:timers/promises';
import { findRedisServer } from './find-binary.mjs';
import { findFreePort } from './free-port.mjs';
import { ping } from './ping.mjs';
import { Supervisor } from './supervisor.mjs';

const readyWithinMs = 10_000;
const pollMs = 10;
const portAttempts = 5;

/**
 * @param {import('./index.mjs').RedisServerOptions} [options]
 * @returns {Promise<import('./index.mjs').RedisServer>}
 */
export async function startRedisServer(options = {}) {
  const binary = await findRedisServer();
  const supervisor = new Supervisor();
  try {
    for (let attempt = 1; ; attempt++) {
      const port = options.port ?? (await findFreePort());
      try {
        const launch = () => launchAndAwait(supervisor, binary, port, options);
        return serverHandle(supervisor, port, options.password, launch, await launch());
      } catch (error) {
        // Somebody was faster between the look at the port and the server's own bind.
        const taken = /address already in use/i.test(String(error));
        if (!taken || options.port !== undefined || attempt === portAttempts) throw error;
      }
    }
  } catch (error) {
    await supervisor.close();
    throw error;
  }
}

/**
 * @param {Supervisor} supervisor
 * @param {number} port
 * @param {string | undefined} password
 * @param {() => Promise<{ pid: number, dir: string }>} launch
 * @param {{ pid: number, dir: string }} running
 * @returns {import('./index.mjs').RedisServer}
 */
function serverHandle(supervisor, port, password, launch, running) {
  return {
    port,
    url: `redis://${password ? `:${encodeURIComponent(password)}@` : ''}127.0.0.1:${port}`,
    get pid() {
      return running.pid;
    },
    get dir() {
      return running.dir;
    },
    stop: () => supervisor.close(),
    kill(signal) {
      process.kill(running.pid, signal);
    },
    async restart() {
      running = await launch();
    },
  };
}

/**
 * @param {Supervisor} supervisor
 * @param {import('./index.mjs').RedisBinary} binary
 * @param {number} port
 * @param {import('./index.mjs').RedisServerOptions} options
 */
async function launchAndAwait(supervisor, { command, args }, port, { password, config }) {
  const running = await supervisor.start({ command, args, config: configText(port, password, config) });
  const deadline = Date.now() + readyWithinMs;
  for (;;) {
    try {
      await ping({ port, password, pid: running.pid });
      return running;
    } catch (error) {
      const exit = supervisor.lastExit;
      if (exit?.pid === running.pid)
        throw new Error(`The Redis server ended while starting:\n${exit.log}`, { cause: error });
      if (Date.now() > deadline) throw new Error('The Redis server did not get ready', { cause: error });
      await delay(pollMs);
    }
  }
}

/**
 * A file instead of arguments: directives keep their own syntax, and a password does not show in the process list.
 *
 * @param {number} port
 * @param {string | undefined} password
 * @param {Readonly<Record<string, string>>} config
 */
function configText(port, password, config = {}) {
  const directives = {
    bind: '127.0.0.1',
    port: String(port),
    save: '',
    appendonly: 'no',
    ...(password && { requirepass: JSON.stringify(password) }),
    ...config,
  };
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value === '' ? '""' : value}\n`)
    .join('');
}
