import { afterEach } from '@jest/globals';
import { createServer, type Server, type Socket } from 'node:net';

/** The answer of a fake server to one command in capitals; `undefined` for none. */
export type Answer = (command: readonly string[], socket: Socket) => string | undefined;

export interface FakeRedis {
  readonly url: string;
  /** The answers from now on. */
  answer: Answer;
}

const HELLO = '%1\r\n$5\r\nproto\r\n:3\r\n';
const CLIENT_INFO = '$27\r\nid=7 addr=127.0.0.1:1 fd=8 \r\n';

/** The answers that a connection of ioredis needs before it counts as ready. */
export function greet([name, word]: readonly string[]): string | undefined {
  if (name === 'HELLO') return HELLO;
  if (name === 'CLIENT') return word === 'INFO' ? CLIENT_INFO : '+OK\r\n';
  if (name === 'INFO') return '$9\r\nloading:0\r\n';
  return undefined;
}

/** Starts fake Redis servers, and stops them after each test. */
export function useFakeRedis(): (answer: Answer) => Promise<FakeRedis> {
  const servers: { server: Server; sockets: Set<Socket> }[] = [];

  afterEach(async () => {
    for (const { server, sockets } of servers.splice(0)) {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  return async (answer) => {
    const sockets = new Set<Socket>();
    const fake = { url: '', answer };
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
      let received = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        received += text;
        for (let taken = takeCommand(received); taken; taken = takeCommand(received)) {
          received = taken.rest;
          const said = fake.answer(taken.command, socket);
          if (said !== undefined && !socket.destroyed) socket.write(said);
        }
      });
    });
    servers.push({ server, sockets });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    fake.url = `redis://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    return fake;
  };
}

/** The first whole command of `text`, an array of bulk strings in ASCII; its name, and the word after, in capitals. */
function takeCommand(text: string): { command: string[]; rest: string } | undefined {
  const lines = text.split('\r\n');
  const count = Number(lines[0]?.slice(1));
  if (lines.length < 2 * count + 2) return undefined;
  const words = Array.from({ length: count }, (_, index) => lines[2 * index + 2] ?? '');
  const command = words.map((word, index) => (index < 2 ? word.toUpperCase() : word));
  return { command, rest: lines.slice(2 * count + 1).join('\r\n') };
}
