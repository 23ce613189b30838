import { setTimeout as delay } from 'node:timers/promises';
import type { Lock } from 'nestjs-locking';
import { now } from '../clock.js';
import type { Appender } from '../history/append.js';
import type { WorkerRecord } from '../history/records.js';
import type { WriteClient } from '../write-store/client.js';
import { standStill, type Pause } from './pause.js';

/** How often a long job looks at its lock. */
const LOOK_EVERY = 200;

/** What the holder of a lock does, and writes down. */
export class Holder {
  private nextPause?: Pause;

  constructor(
    private readonly history: Appender<WorkerRecord>,
    private readonly writes: WriteClient,
  ) {}

  /** The next job stands still in its midst. */
  pauseNext(pause: Pause): void {
    this.nextPause = pause;
  }

  /**
   * Reads, takes its time, and writes: whether or not it still has the lock. That is what those do whom nobody has
   * told of fencing, and what those cannot help who were frozen in between.
   */
  async work(id: number, lock: Lock, ms: number): Promise<void> {
    const t = now();
    const left = lock.remaining;
    const key = lock.keys[0]!;
    const tokens = lock.keys.map((name) => lock.fencingTokenFor(name));
    this.history.add({ e: 'grant', t, u: now(), id, tokens, left });
    const onLost = (): void => {
      this.history.add({ e: 'lost', t: now(), id });
    };
    if (lock.signal.aborted) onLost();
    else lock.signal.addEventListener('abort', onLost);
    try {
      const token = tokens[0]!;
      const { value } = await this.writes.perform({ op: 'read', id, key, token });
      await this.takeTime(id, lock, ms);
      await this.writes.perform({ op: 'write', id, key, token, base: value });
    } finally {
      // First, as it aborts by now if the lease has run out, however late the timers are.
      const { signal } = lock;
      this.history.add({ e: 'end', t: now(), id, left: lock.remaining });
      signal.removeEventListener('abort', onLost);
    }
  }

  private async takeTime(id: number, lock: Lock, ms: number): Promise<void> {
    const until = now() + ms;
    const { nextPause } = this;
    if (nextPause) {
      this.nextPause = undefined;
      standStill(nextPause, this.history);
    }
    for (let left = ms; left > 0; left = until - now()) {
      await delay(Math.min(left, LOOK_EVERY));
      if (ms > LOOK_EVERY) this.history.add({ e: 'seen', t: now(), id, left: lock.remaining });
    }
  }
}
