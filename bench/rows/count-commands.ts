import { once } from 'node:events';
import { connect } from 'node:net';
import type { Redis } from 'ioredis';
import { sleep } from '../clock.js';

/** Matches what MONITOR prints for a command of a client. A command of a script has `lua` in place of the address. */
const FROM_CLIENT = /^\+[\d.]+ \[\d+ (?!lua\])/;

/**
 * How many commands clients send to the server each second. The server's own counters include the commands of scripts,
 * so this listens with MONITOR, whose cost does not matter as nothing is timed. It uses a socket of its own, as the
 * `monitor()` of ioredis 6 fails under load.
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
