// @ts-check
import { once } from 'node:events';
import { createServer } from 'node:net';

const lowest = 20_000;
const count = 10_000;

/**
 * A free port from below the system's ephemeral range. Binding port 0 would return one from that range: while a server
 * is down for a restart, the system could give its port to any outgoing connection, even to that of a client that
 * reconnects. It also leaves room for a cluster bus at port + 10000.
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
