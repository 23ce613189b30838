import { LockBackendError, LockTimeoutError } from '../errors/index.js';
import type { LeaseAnswer } from '../interfaces/index.js';
import { Backoff } from './backoff.js';
import type { CallOptions } from './call-options.js';
import { localDeadline } from './drift.js';
import { callFailed, noAnswerInTime, timedOut } from './engine.messages.js';
import type { EngineParts } from './engine-parts.js';
import { Lease } from './lease.js';
import { first } from './release-retry.js';
import { mayHaveRun } from './store-calls.js';
import { Waiter } from './waiter.js';

/** After this long without an answer, in milliseconds, a wait that times out is put down to the store. */
const SILENCE = 1000;

/** Waiting for keys and taking them: see the section on waiting in ARCHITECTURE.md. */
export class LeaseAcquisition {
  private readonly underway = new Set<Promise<void>>();

  constructor(private readonly parts: EngineParts) {}

  /**
   * @throws LockTimeoutError when somebody else held a key until the end of the wait
   * @throws LockBackendError when the store could not be asked
   */
  async take(keys: readonly string[], options: CallOptions): Promise<Lease> {
    const { queue, clock } = this.parts;
    const waiter = new Waiter(keys, clock);
    if (options.timeout > 0) waiter.endAfter(options.timeout);
    if (options.signal) waiter.endOn(options.signal);
    queue.join(waiter);
    try {
      return await this.wait(waiter, options);
    } finally {
      waiter.dispose();
      queue.leave(waiter);
    }
  }

  /** Every attempt under way: it ends when it has had its answer, and been undone if nobody waited for it any more. */
  get attempts(): readonly Promise<void>[] {
    return [...this.underway];
  }

  private async wait(waiter: Waiter, options: CallOptions): Promise<Lease> {
    const { queue, holds, settings } = this.parts;
    const ownerId = options.ownerId ?? this.parts.nextId();
    const backoff = new Backoff(settings.backoff);
    let mayOwn = options.ownerId !== undefined;
    let checkDue = false;
    for (;;) {
      if (waiter.end) throw this.endError(waiter, options);
      waiter.forgetWakeUps();
      const isFirst = queue.blocker(waiter) === undefined;
      const heldHere = holds.isHeldByOther(waiter.keys, ownerId);
      let remaining: number | null = null;
      if ((isFirst && (!heldHere || checkDue)) || (!isFirst && mayOwn)) {
        const answer = await this.attempt(waiter, ownerId, options, !isFirst);
        if (answer instanceof Lease) return answer;
        remaining = answer;
        mayOwn = false;
      }
      if (options.timeout === 0) throw this.endError(waiter, options);
      if (!isFirst) await waiter.sleep(undefined);
      else if (heldHere) checkDue = await waiter.sleep(settings.backoff.maximum);
      else await waiter.sleep(Math.max(1, Math.min(backoff.next(), remaining ?? Infinity)));
    }
  }

  /** One try. Resolves with the lease, or with how long the present holder's lasts (`null` if nobody can say). */
  private async attempt(
    waiter: Waiter,
    ownerId: string,
    options: CallOptions,
    onlyIfOwned: boolean,
  ): Promise<Lease | number | null> {
    const { provider, calls, clock, holds } = this.parts;
    const { keys } = waiter;
    const { ttl } = options;
    const attemptId = this.parts.nextId();
    const undo = (): void => {
      this.undo(keys, ownerId, attemptId, options);
    };
    const sentAt = clock.now();
    const ask = async (): Promise<LeaseAnswer> =>
      first(provider.acquire([{ keys, ownerId, attemptId, ttl, onlyIfOwned }]));
    const answer = ask();
    const fate = this.follow(answer, undo);
    const settled = await waiter.settle(calls.run('lock', keys, async () => answer));
    if ('end' in settled) {
      fate.givenUp = true;
      // The answer may be here already, a few microtasks ahead of "settled".
      if (fate.mayHold) undo();
      throw this.endError(waiter, options);
    }
    if ('error' in settled) {
      fate.givenUp = true;
      if (mayHaveRun(settled.error)) undo();
      // Who is already in line rides out a short fault; a newcomer is told at once.
      if (!waiter.answered) throw settled.error;
      waiter.failure = settled.error;
      return null;
    }
    waiter.failure = undefined;
    if (!settled.value.granted) {
      waiter.answered = true;
      return settled.value.remaining;
    }
    if (waiter.end?.reason === 'error') {
      undo();
      throw waiter.end.error;
    }
    const deadline = localDeadline(sentAt, ttl);
    if (clock.now() >= deadline) {
      undo();
      return 0;
    }
    const lease = new Lease(
      {
        keys,
        ownerId,
        named: options.ownerId !== undefined,
        fencingTokens: new Map(settled.value.fencingTokens.map((token, index) => [keys[index] ?? '', token])),
        ttl,
        renew: options.renew && ttl !== null,
        renewUntil: sentAt + options.maxHold,
      },
      clock,
    );
    const { reentered } = settled.value;
    holds.grant(lease, attemptId, deadline, new Set(keys.filter((_, index) => !reentered[index])));
    this.parts.keeper.watch(lease);
    return lease;
  }

  /** Sees an attempt to its end, however late; if it is given up by then, what it may have taken is undone. */
  private follow(call: Promise<LeaseAnswer>, undo: () => void): { givenUp: boolean; mayHold: boolean } {
    const fate = { givenUp: false, mayHold: false };
    const settling = call.then(
      (answer) => {
        fate.mayHold = answer.granted;
        if (fate.givenUp && fate.mayHold) undo();
      },
      (error: unknown) => {
        fate.mayHold = mayHaveRun(error);
        if (fate.givenUp && fate.mayHold) undo();
      },
    );
    this.underway.add(settling);
    void settling.finally(() => this.underway.delete(settling));
    return fate;
  }

  /** Takes back what a given-up attempt may have taken, and nothing that its owner holds through another one. */
  private undo(keys: readonly string[], ownerId: string, attemptId: string, options: CallOptions): void {
    // A named owner may have taken the keys elsewhere, for longer.
    const lasts = options.ownerId === undefined ? options.ttl : null;
    this.parts.retry.add({ keys, ownerId, attemptId, undo: true }, lasts);
  }

  private endError(waiter: Waiter, { timeout }: CallOptions): unknown {
    const { keys, end, failure } = waiter;
    if (end?.reason === 'error') return end.error;
    if (failure !== undefined) return new LockBackendError(keys, callFailed('lock', keys, failure), { cause: failure });
    return this.isStoreSilent(waiter, timeout)
      ? new LockBackendError(keys, noAnswerInTime(keys, timeout))
      : new LockTimeoutError(keys, timeout, timedOut(keys, timeout));
  }

  /** Whether a wait that is over failed for want of an answer, and not because somebody holds a key. */
  private isStoreSilent(waiter: Waiter, timeout: number): boolean {
    const { calls, holds } = this.parts;
    if (waiter.keys.some((key) => holds.get(key) !== undefined)) return false;
    const tolerance = waiter.answered || timeout === 0 ? SILENCE : Math.min(SILENCE, timeout / 2);
    return calls.silence >= tolerance;
  }
}
