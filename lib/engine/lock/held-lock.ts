import { LockKeyError, LockLostError } from '../../errors/index.js';
import type { CheckpointOptions, Checkpoints, Duration, Lock, LockTransaction } from '../../interfaces/index.js';
import { followSignal } from '../runtime/abort-listeners.js';
import type { DroppedLocks, WatchedLock } from './dropped-locks.js';
import { handedOver, notCovered, takenAway, wasReleased } from '../engine.messages.js';
import type { Grant, Lease } from '../hold/lease.js';
import { ContextAbort } from '../runtime/neutral-context.js';

/** What a lock asks of its engine. */
export interface HeldLockActions {
  readonly engine: object;
  leave(grant: Grant, minHold: number): boolean | Promise<boolean>;
  extend(grant: Grant, expire: Duration | undefined): Promise<boolean>;
  assertIn(lock: HeldLock, transaction: LockTransaction): Promise<void>;
  checkpoints<T>(lock: HeldLock, options: CheckpointOptions<T>): Checkpoints<T>;
  handOver(lock: HeldLock): string;
}

/** A signal that aborts with the first of several grants that is lost, until it is stopped. */
interface CombinedSignal {
  readonly signal: AbortSignal;
  stop(): void;
}

/** A holder's view of the grants that cover its keys: one made for it, or several that it joined. */
export class HeldLock implements Lock {
  readonly fencingToken: number;

  // Not merely private: a lock that is logged shows what it is, not the engine behind it.
  readonly #grants: readonly [Grant, ...Grant[]];
  readonly #minHold: number;
  readonly #actions: HeldLockActions;
  #releasing?: boolean | Promise<boolean>;
  /** A release must not overtake it, or its transaction would rely on a lock that is free. */
  #asserting?: Promise<unknown>;
  /** Work that the release of the lock does first. */
  #beforeRelease?: (() => Promise<void>)[];
  #combined?: CombinedSignal;
  #dropped?: DroppedLocks;
  #watched?: WatchedLock;
  #signal?: AbortSignal;
  #isOfJob = false;
  #isHandedOver = false;

  constructor(
    readonly keys: readonly string[],
    readonly ownerId: string,
    grants: readonly [Grant, ...Grant[]],
    minHold: number,
    actions: HeldLockActions,
  ) {
    this.#grants = grants;
    this.#minHold = minHold;
    this.#actions = actions;
    const [only, ...others] = grants;
    const ofKeys = others.length === 0 ? only.tokens : keys.map((key) => this.fencingTokenFor(key));
    this.fencingToken = Math.max(...ofKeys);
  }

  /** Whether it comes from `engine`. */
  isOf(engine: object): boolean {
    return this.#actions.engine === engine;
  }

  /** Whether it is held around a job, at whose end it is released. */
  get isOfJob(): boolean {
    return this.#isOfJob;
  }

  set isOfJob(value: boolean) {
    this.#isOfJob = value;
  }

  get grants(): readonly [Grant, ...Grant[]] {
    return this.#grants;
  }

  fencingTokenFor(key: string): number {
    if (this.keys.includes(key)) {
      for (const grant of this.#grants) {
        const token = grant.tokenOf(key);
        if (token !== undefined) return token;
      }
    }
    throw new LockKeyError(notCovered(key, this.keys), [key]);
  }

  /** What this process has of one of its keys. */
  leaseOf(key: string): Lease | undefined {
    for (const grant of this.#grants) {
      const lease = grant.leaseOf(key);
      if (lease) return lease;
    }
    return undefined;
  }

  get signal(): AbortSignal {
    const shared = this.sharedSignal();
    if (this.#signal === undefined && this.#dropped) this.#signal = this.#dropped.signalFor(this, shared);
    return this.#signal ?? shared;
  }

  get remaining(): number {
    if (this.#releasing !== undefined) return 0;
    let shortest = Infinity;
    for (const { remaining } of this.#grants) shortest = Math.min(shortest, remaining);
    return shortest;
  }

  get held(): boolean {
    return this.remaining > 0;
  }

  /** Whether others share its lock that have not given it up yet. */
  get outlived(): boolean {
    return this.#grants.some(({ hasLocks }) => hasLocks);
  }

  /** Whether it is not held for now, and the store has been asked whether it is. */
  get doubted(): boolean {
    return this.#releasing === undefined && this.#grants.some(({ doubted }) => doubted);
  }

  /** Resolves once it is certain whether it is held. */
  async certainty(): Promise<void> {
    await Promise.all(this.#grants.map(async (grant) => grant.certainty()));
  }

  /** From now on `dropped` is told when nothing refers to this lock any more before it was released. */
  watchWith(dropped: DroppedLocks): void {
    this.#dropped = dropped;
    this.#watched = dropped.watch(this, this.keys, this.#grants);
  }

  /** Why it can't be trusted any more, if so. */
  get loss(): LockLostError | undefined {
    return this.#grants.find(({ loss }) => loss)?.loss;
  }

  async extend(expire?: Duration): Promise<boolean> {
    if (!this.held && !this.doubted) return false;
    if (this.#grants.length === 1) return this.#actions.extend(this.#grants[0], expire);
    const extended = await Promise.all(this.#grants.map(async (grant) => this.#actions.extend(grant, expire)));
    return extended.every(Boolean);
  }

  async assertIn(transaction: LockTransaction): Promise<void> {
    if (!this.held && !this.doubted) throw this.whyNotHeld();
    const asserting = this.#actions.assertIn(this, transaction);
    this.#asserting = Promise.allSettled([this.#asserting, asserting]);
    await asserting;
  }

  async serialize(): Promise<string> {
    this.assertHeld();
    await Promise.allSettled((this.#beforeRelease ?? []).map(async (work) => work()));
    await this.#asserting;
    this.assertHeld();
    const text = this.#actions.handOver(this);
    this.#releasing = false;
    this.#isHandedOver = true;
    this.#combined?.stop();
    if (this.#watched) this.#dropped?.unwatch(this.#watched);
    return text;
  }

  checkpoints<T>(options: CheckpointOptions<T> = {}): Checkpoints<T> {
    return this.#actions.checkpoints(this, options);
  }

  /** Calls `work` when the lock is released, before it is free. */
  beforeRelease(work: () => Promise<void>): void {
    (this.#beforeRelease ??= []).push(work);
  }

  // Not an async function: that would cost every release another promise.
  // eslint-disable-next-line @typescript-eslint/promise-function-async
  release(): Promise<boolean> {
    const held = this.leave();
    return typeof held === 'boolean' ? Promise.resolve(held) : held;
  }

  /** As `release`, without a promise where the store need not be asked. */
  leave(minHold = this.#minHold): boolean | Promise<boolean> {
    return (this.#releasing ??=
      this.#asserting || this.#beforeRelease ? this.leaveLater(minHold) : this.leaveAll(minHold));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release();
    } catch {
      // The release is repeated in the background, and the lease runs out by itself: nothing is left to do here.
    }
  }

  private assertHeld(): void {
    if (!this.held) throw this.whyNotHeld();
  }

  private whyNotHeld(): LockLostError {
    const { keys, loss } = this;
    if (loss) return loss;
    if (this.#isHandedOver) return new LockLostError(keys, handedOver(keys));
    return new LockLostError(keys, this.#releasing === undefined ? takenAway(keys) : wasReleased(keys));
  }

  private sharedSignal(): AbortSignal {
    const [only, ...others] = this.#grants;
    if (others.length === 0) return only.signal;
    this.#combined ??= combine(this.#grants);
    return this.#combined.signal;
  }

  private async leaveEach(minHold: number): Promise<boolean> {
    const left = this.#grants.map(async (grant) => this.#actions.leave(grant, minHold));
    return (await Promise.all(left)).every(Boolean);
  }

  private async leaveLater(minHold: number): Promise<boolean> {
    await Promise.allSettled((this.#beforeRelease ?? []).map(async (work) => work()));
    await this.#asserting;
    return this.leaveAll(minHold);
  }

  private leaveAll(minHold: number): boolean | Promise<boolean> {
    this.#combined?.stop();
    if (this.#watched) this.#dropped?.unwatch(this.#watched);
    const [only, ...others] = this.#grants;
    if (others.length === 0) return this.#actions.leave(only, minHold);
    return this.leaveEach(minHold);
  }
}

function combine(grants: readonly Grant[]): CombinedSignal {
  const abort = new ContextAbort();
  const stops = grants.map(({ signal }) => followSignal(signal, abort));
  const stop = (): void => {
    for (const end of stops) end();
  };
  return { signal: abort.signal, stop };
}
