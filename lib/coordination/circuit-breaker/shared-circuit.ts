import type { Clock } from '../../engine/runtime/clock.js';
import { inNeutralContext } from '../../engine/runtime/neutral-context.js';
import { isLockLostError, isLockTimeoutError, LockBackendError } from '../../errors/index.js';
import { neverWritten } from './circuit-breaker.messages.js';
import { NO_RECORD, type CircuitRecords, type FoundState, type SharedState } from './circuit-records.js';

/** Older than this, what is known is read again at the next call: a message may be lost. In milliseconds. */
const READ_AGAIN_AFTER = 1000;

/** As often a change is tried at once that other processes have preceded. */
const ATTEMPTS_AT_ONCE = 3;

/** As often it is tried in turn, when only those attempts come between. */
const ATTEMPTS_IN_TURN = 20;

/** What one process knows of the state that all share. */
export class SharedCircuit {
  private known: FoundState = NO_RECORD;
  /** Until when an open circuit stays open, on the local clock. */
  private openUntil = 0;
  private askedAt = -Infinity;
  private reading?: Promise<boolean>;
  /** The read after that. */
  private next?: Promise<boolean>;
  /** Changes that are under way, and that were made: what was read meanwhile may be older. */
  private writing = 0;
  private written = 0;
  /** Whether something was read meanwhile. */
  private isUnread = false;
  private unwatch?: () => void;
  private watching?: Promise<void>;
  private isClosed = false;

  /** Whether the last call reached the store. */
  isReached = false;

  /**
   * @param onKnown - called after each change of what is known, with what was known before
   * @param takeTurn - calls the function while no other process is in its turn
   * @param onFailed - called with why the store could not be asked
   */
  constructor(
    private readonly name: string,
    private readonly records: CircuitRecords,
    private readonly clock: Clock,
    private readonly takeTurn: (change: () => Promise<void>) => Promise<void>,
    private readonly onKnown: (before: FoundState) => void,
    private readonly onFailed: (error: unknown) => void,
  ) {}

  get state(): FoundState {
    return this.known;
  }

  /** Milliseconds for which an open circuit stays open; 0 once a probe is due. */
  get openFor(): number {
    return this.known.state === 'open' ? Math.max(0, this.openUntil - this.clock.now()) : 0;
  }

  /** Takes part in the messages, if it does not already. Resolves also if the store could not be asked. */
  async watch(): Promise<void> {
    this.watching ??= inNeutralContext(async () => this.startWatch());
    await this.watching;
  }

  refreshIfOld(): void {
    if (!this.reading && this.clock.now() - this.askedAt >= READ_AGAIN_AFTER) void this.refresh();
  }

  /** Reads the state as it is from now on. Resolves with whether the store has answered. */
  async refresh(): Promise<boolean> {
    if (!this.reading) return (this.reading = inNeutralContext(async () => this.read()));
    // The read under way may return an older state. All callers that ask meanwhile share the read after it.
    this.next ??= this.reading.then(async () => {
      this.next = undefined;
      return this.isClosed ? this.isReached : this.refresh();
    });
    return this.next;
  }

  /**
   * Changes the state by compare and set. Where other processes come first, the processes take turns: a hundred instances
   * that report at once would else keep the store busy with refusals, and some of them would not get their report in.
   *
   * @returns whether it was changed as `next` wanted it
   * @throws LockBackendError when the store cannot be asked, or others came first at every attempt
   */
  async change(next: (found: FoundState) => SharedState | undefined, anew = false): Promise<boolean> {
    const atOnce = await this.tryOften(ATTEMPTS_AT_ONCE, next, anew);
    if (atOnce !== undefined) return atOnce;
    let inTurn: boolean | undefined;
    try {
      await this.takeTurn(async () => {
        inTurn = await this.tryOften(ATTEMPTS_IN_TURN, next, anew);
      });
    } catch (error) {
      if (!isLockTimeoutError(error) && !isLockLostError(error)) throw error;
    }
    if (inTurn === undefined) throw new LockBackendError([], neverWritten(this.name));
    return inTurn;
  }

  /** Goes by a state that only this process knows, until the store says something else. */
  assume(state: SharedState): void {
    this.learn({ ...state, age: 0 });
  }

  /** Whether the circuit that was read is open, with no probe due. */
  static staysOpen({ state, openFor, age }: FoundState): boolean {
    return state === 'open' && (openFor === null || age < openFor);
  }

  close(): void {
    this.isClosed = true;
    this.unwatch?.();
    this.unwatch = undefined;
  }

  /** Resolves with `undefined` if other processes were faster each time. */
  private async tryOften(
    most: number,
    next: (found: FoundState) => SharedState | undefined,
    anew: boolean,
  ): Promise<boolean | undefined> {
    for (let refusals = 0; refusals < most;) {
      const { written } = this;
      const isOurs = await this.attempt(next, anew);
      if (isOurs !== undefined) return isOurs;
      // This process itself may have been faster with another change: it does not stand in its own way again.
      if (this.written === written) refusals += 1;
    }
    return undefined;
  }

  /** Resolves with `undefined` if another process was faster. */
  private async attempt(
    next: (found: FoundState) => SharedState | undefined,
    anew: boolean,
  ): Promise<boolean | undefined> {
    this.writing += 1;
    try {
      const change = await inNeutralContext(async () => this.records.change(next, anew));
      this.isReached = true;
      if (!change) return undefined;
      this.written += 1;
      this.learn(change.stands);
      return change.isOurs;
    } catch (error) {
      this.isReached = false;
      throw error;
    } finally {
      this.writing -= 1;
      // Nor does the change itself, if another process was faster than its answer.
      if (this.isUnread && this.writing === 0) void this.refresh();
    }
  }

  private async read(): Promise<boolean> {
    try {
      await this.readOnce();
      if (!this.unwatch) void this.watch();
    } catch (error) {
      this.isReached = false;
      this.onFailed(error);
    } finally {
      this.reading = undefined;
    }
    return this.isReached;
  }

  private async readOnce(): Promise<void> {
    this.askedAt = this.clock.now();
    this.isUnread = false;
    const { written } = this;
    const found = await this.records.read();
    this.isReached = true;
    // Read before a change of this process was made, it says nothing any more.
    if (this.written === written && this.writing === 0) this.learn(found);
    else this.isUnread = true;
  }

  private async startWatch(): Promise<void> {
    try {
      const unwatch = await this.records.watch(() => void this.refresh());
      if (this.isClosed) {
        unwatch();
        return;
      }
      this.unwatch = unwatch;
      // The state may have changed before the messages came.
      void this.refresh();
    } catch (error) {
      this.watching = undefined;
      this.onFailed(error);
    }
  }

  private learn(found: FoundState): void {
    const before = this.known;
    this.known = found;
    this.openUntil = this.clock.now() + (found.openFor ?? Infinity) - found.age;
    this.onKnown(before);
  }
}
