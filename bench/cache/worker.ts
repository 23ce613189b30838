import { setTimeout as delay } from 'node:timers/promises';
import { now, sleepUntil } from '../clock.js';
import { CONTENDERS } from './contenders.js';

/** What the parent asks for. Times are milliseconds; `at` is on the clock that all processes share. */
export type Order =
  | { readonly do: 'prime'; readonly key: string; readonly ttl: number; readonly staleFor: number }
  | {
      readonly do: 'burst';
      readonly key: string;
      readonly ttl: number;
      readonly staleFor: number;
      readonly at: number;
      readonly calls: number;
      readonly loadTime: number;
    };

/** What a burst came to. */
export interface Burst {
  readonly loads: number;
  /** How long each call took, in milliseconds. */
  readonly times: readonly number[];
}

/** A process with one cache in it, which ends with its parent. */
const [name = '', redisUrl] = process.argv.slice(2);
process.on('disconnect', () => process.exit());

const described = CONTENDERS[name];
if (!described) throw new Error(`No cache is called ${name}`);
const contender = await described.open(redisUrl);

process.on('message', (order: Order) => {
  perform(order).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.send?.({ result: 'ready' });

async function perform(order: Order): Promise<Burst | null> {
  const { key, ttl, staleFor } = order;
  if (order.do === 'prime') {
    await contender.getOrSet(key, async () => Promise.resolve('primed'), ttl, staleFor);
    return null;
  }
  let loads = 0;
  const load = async (): Promise<string> => {
    loads += 1;
    await delay(order.loadTime);
    return 'loaded';
  };
  await sleepUntil(order.at);
  const times = await Promise.all(
    Array.from({ length: order.calls }, async () => {
      const begun = now();
      await contender.getOrSet(key, load, ttl, staleFor);
      return now() - begun;
    }),
  );
  // A load in the background may still run.
  await delay(2 * order.loadTime);
  return { loads, times };
}
