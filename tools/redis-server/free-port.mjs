// @ts-check
import { once } from 'node:events';
import { createServer } from 'node:net';

const lowest = 20_000;
const count = 10_000;

/**
 * A port that nobody listens on. It is taken from below the system's ephemeral range instead of by binding port 0:
 * there, while a server is down for a restart, the outgoing connection of anyone, even of a client that tries to
 * reconnect, can be given the server's port. It also leaves room for a cluster bus at port + 10000.
 *
 * @returns {Promise<number>}
 */
export async function findFreePort() {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = lowest + Math.floor(Math.random() * count);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port between ${lowest} and ${lowest + count}`);
}

/** @param {number} port */
async function isFree(port) {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
