import { Redis } from 'ioredis';
import { openContender } from '../contenders/open.js';
import { operations } from './operations/index.js';
import type { Call, Message } from './protocol.js';

/** A process with one contender in it. It runs the operations that its parent asks for, and ends with its parent. */
const [name = '', redisUrl = '', postgresUrl] = process.argv.slice(2);

process.on('disconnect', () => process.exit());
// The parent decides what an interruption means.
process.on('SIGINT', () => undefined);

const contender =
  postgresUrl === undefined
    ? await openContender(name, 'redis', redisUrl)
    : await openContender(name, 'postgres', postgresUrl);
const context = { contender, redis: new Redis(redisUrl), redisUrl };

process.on('message', (call: Call) => {
  void answer(call);
});
send({ type: 'ready' });

async function answer({ id, operation, parameters }: Call): Promise<void> {
  try {
    const perform = operations[operation as keyof typeof operations] as (
      of: typeof context,
      with_: unknown,
    ) => Promise<unknown>;
    send({ type: 'answer', id, result: await perform(context, parameters) });
  } catch (error) {
    send({ type: 'answer', id, error: error instanceof Error ? error.message : String(error) });
  }
}

function send(message: Message): void {
  if (process.connected) process.send?.(message);
}
