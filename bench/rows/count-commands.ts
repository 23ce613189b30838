import { once } from 'node:events';
import { connect } from 'node:net';
import type { Redis } from 'ioredis';
import { sleep } from '../clock.js';

/** A line of MONITOR that tells of a command from a client. What scripts do inside has `lua` in place of the address. */
const FROM_CLIENT = /^\+[\d.]+ \[\d+ (?!lua\])/;

/**
 * How many commands clients send to the server each second. The server's own counters would also count what scripts
 * do inside, so this listens with MONITOR, whose cost does not matter where nothing is timed. (On a socket of its own:
 * the `monitor()` of ioredis 6 fails under load.)
 */
export async function countCommands({ options: { host, port } }: Redis, ms: number): Promise<number> {
  const socket = connect(port ?? 6379, host).setEncoding('latin1');
  try {
    await once(socket, 'connect');
    let rest = '';
    let commands = 0;
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n');
      rest = lines.pop() ?? '';
      commands += lines.filter((line) => FROM_CLIENT.test(line)).length;
    });
    socket.write('MONITOR\r\n');
    await sleep(ms);
    return (commands * 1000) / ms;
  } finally {
    socket.destroy();
  }
}
