import { LockBackendError } from '../errors/index.js';
import { StoreNotReachedError } from '../interfaces/index.js';
import type { Clock } from './clock.js';
import { callFailed, noAnswer } from './engine.messages.js';

/** How long a store may take over one call, in milliseconds, before it counts as down. */
export const STORE_ANSWER_TIMEOUT = 5000;

/**
 * Calls into the store. Whatever goes wrong there becomes a {@link LockBackendError}, and a store that accepts a call
 * but never answers it does not hang its caller.
 */
export class StoreCalls {
  private readonly pending = new Set<{ readonly since: number }>();

  constructor(private readonly clock: Clock) {}

  /** For how many milliseconds the store has owed an answer. */
  get silence(): number {
    const oldest = this.pending.values().next().value;
    return oldest ? this.clock.now() - oldest.since : 0;
  }

  async run<T>(action: string, keys: readonly string[], call: () => Promise<T>): Promise<T> {
    const entry = { since: this.clock.now() };
    this.pending.add(entry);
    let timer: { cancel(): void } | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = this.clock.setTimer(
        () => {
          reject(new Error(noAnswer(STORE_ANSWER_TIMEOUT)));
        },
        STORE_ANSWER_TIMEOUT,
        true,
      );
    });
    try {
      return await Promise.race([call(), silence]);
    } catch (cause) {
      throw new LockBackendError(keys, callFailed(action, keys, cause), { cause });
    } finally {
      timer?.cancel();
      this.pending.delete(entry);
    }
  }
}

/** Whether a failed call may have been carried out all the same. */
export function mayHaveRun(error: unknown): boolean {
  return (
    !(error instanceof StoreNotReachedError) && !(error instanceof Error && error.cause instanceof StoreNotReachedError)
  );
}
