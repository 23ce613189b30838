import { setTimeout as delay } from 'node:timers/promises';
import type { Lock } from 'nestjs-locking';
import { now } from '../clock.js';
import type { Appender } from '../history/append.js';
import type { WorkerRecord } from '../history/records.js';
import type { WriteClient } from '../write-store/client.js';
import { standStill, type Pause } from './pause.js';

/** Milliseconds between the looks of a long job at its lock. */
const LOOK_EVERY = 200;

/** The work of the holder of a lock, with its records. */
export class Holder {
  private nextPause?: Pause;

  constructor(
    private readonly history: Appender<WorkerRecord>,
    private readonly writes: WriteClient,
  ) {}

  /** The next job stands still in its middle. */
  pauseNext(pause: Pause): void {
    this.nextPause = pause;
  }

  /**
   * Reads, waits, and writes, whether or not it still has the lock: like code without fencing, or a process that was
   * frozen in between.
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
      // Read first, as it has aborted by now if the lease has expired, however late the timers are.
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
