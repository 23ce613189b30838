import { afterEach } from '@jest/globals';
import { lockingChannels, type LockingChannel, type LockingTracingChannel } from '../../../lib/index.js';

type Tracing = 'acquire' | 'hold' | 'store';
type Name = keyof typeof lockingChannels;

/** A message as it was when it was published. */
export interface Recorded {
  readonly channel: string;
  readonly message: Record<string, unknown>;
}

/** Records the messages of channels until the end of the test. */
export function useRecorder(): (...names: Name[]) => Recorded[] {
  let stops: (() => void)[] = [];

  afterEach(() => {
    for (const stop of stops) stop();
    stops = [];
  });

  return (...names) => {
    const recorded: Recorded[] = [];
    const record = (channel: string, message: object): void => {
      recorded.push({ channel, message: { ...message } });
    };
    for (const name of names) {
      if (isTracing(name)) {
        const channel = lockingChannels[name] as LockingTracingChannel<object>;
        const of = (event: string) => (message: object) => {
          record(`${name}:${event}`, message);
        };
        const subscribers = {
          start: of('start'),
          end: of('end'),
          asyncStart: of('asyncStart'),
          asyncEnd: of('asyncEnd'),
          error: of('error'),
        };
        channel.subscribe(subscribers);
        stops.push(() => {
          channel.unsubscribe(subscribers);
        });
      } else {
        const channel = lockingChannels[name] as LockingChannel<object>;
        const listener = (message: object): void => {
          record(name, message);
        };
        channel.subscribe(listener);
        stops.push(() => channel.unsubscribe(listener));
      }
    }
    return recorded;
  };
}

function isTracing(name: Name): name is Tracing {
  return name === 'acquire' || name === 'hold' || name === 'store';
}

/** The names of the channels, in order. */
export const channelsOf = (recorded: readonly Recorded[]): string[] => recorded.map(({ channel }) => channel);

/** The messages of one channel. */
export const messagesOf = (recorded: readonly Recorded[], channel: string): Record<string, unknown>[] =>
  recorded.filter((each) => each.channel === channel).map(({ message }) => message);
