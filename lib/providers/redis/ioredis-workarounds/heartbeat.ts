import type { Redis } from 'ioredis';
import { SilenceWatch } from './silence-watch.js';

/** Between two questions, in milliseconds. */
const INTERVAL = 3000;

/** For about so many seconds one may stay without an answer. */
const LONGEST_SILENCE = 3;

/**
 * Has a dead subscription connect again: nothing arrives on a quiet one either, so the server is asked now and then.
 * Subscribing to the same channel once more changes nothing, and needs no other right than the subscription itself.
 *
 * ioredis leaves this to the keep-alive of TCP: https://github.com/redis/ioredis/issues/240
 */
export function keepAlive(subscriber: Redis, channel: string): void {
  let timer: NodeJS.Timeout | undefined;
  const silence = new SilenceWatch(
    () => [subscriber],
    LONGEST_SILENCE,
    () => {
      subscriber.disconnect(true);
    },
  );
  const watch = (): void => {
    silence.begin();
  };
  const ask = (): void => {
    subscriber.subscribe(channel).catch(() => undefined);
    silence.begin();
  };
  subscriber
    .on('connect', watch)
    .on('ready', () => {
      clearInterval(timer);
      timer = setInterval(ask, INTERVAL).unref();
    })
    .on('close', () => {
      clearInterval(timer);
      silence.stop();
    });
}
