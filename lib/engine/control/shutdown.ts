import { LockBackendError } from '../../errors/index.js';
import { callFailed, endedByShutdown, noAnswer } from '../engine.messages.js';
import type { Poller } from '../acquire/poller.js';
import type { LeaseTable } from '../hold/lease-table.js';
import type { Releaser } from '../hold/releaser.js';
import type { Renewer } from '../hold/renewer.js';
import type { Clock, ClockTimer } from '../runtime/clock.js';
import type { ReleaseRetry } from '../store/release-retry.js';
import type { StoreCalls } from '../store/store-calls.js';

/** How long a shutdown waits for releases while none of them is answered, in milliseconds. */
const SETTLING = 1600;

/** What an engine leaves behind when it ends. */
export interface ShutdownOutcome {
  /** How many jobs had not ended in time. */
  readonly unfinished: number;

  /** Names the keys whose release the store has not confirmed. */
  readonly failure?: LockBackendError;
}

/** Counts the running jobs, and ends the engine once they have ended or their time is over. */
export class Shutdown {
  /** Calls of `execute` that have not ended. */
  private running = 0;
  private onDrained?: () => void;
  private isBegun = false;
  private ending?: Promise<ShutdownOutcome>;

  constructor(
    private readonly calls: StoreCalls,
    private readonly retry: ReleaseRetry,
    private readonly leases: LeaseTable,
    private readonly releaser: Releaser,
    private readonly renewer: Renewer,
    private readonly poller: Poller,
    private readonly clock: Clock,
    private readonly rejectWaiters: () => void,
  ) {}

  get isClosing(): boolean {
    return this.isBegun;
  }

  jobBegins(): void {
    this.running += 1;
  }

  readonly jobEnds = (): void => {
    this.running -= 1;
    if (this.running === 0) this.onDrained?.();
  };

  /**
   * Rejects the waiters, waits for running jobs, then releases everything that is still held. If the store stays silent, that takes
   * {@link SETTLING} longer at most. Further calls come to the same end.
   *
   * @param drainFor - for how many milliseconds to wait for jobs
   */
  async end(drainFor: number): Promise<ShutdownOutcome> {
    if (!this.ending) {
      this.isBegun = true;
      this.rejectWaiters();
      this.ending = this.drainAndRelease(drainFor);
    }
    return this.ending;
  }

  private async drainAndRelease(drainFor: number): Promise<ShutdownOutcome> {
    const { calls, retry, clock } = this;
    const drainEnd = clock.now() + drainFor;
    await within(this.drained(), drainFor, clock);
    const unfinished = this.running;
    const since = clock.now();
    const settled = this.settled();
    let open: number;
    do {
      open = retry.size;
      await within(settled, SETTLING, clock);
      // A store that answers, if slowly, is given the time that the jobs have left.
    } while (retry.size > 0 && retry.size < open && clock.now() < drainEnd);
    this.renewer.close();
    this.poller.close();
    const silence = new Error(noAnswer(Math.round(clock.now() - since)));
    const { keys, cause = silence } = retry.close();
    calls.expireAll(silence);
    if (keys.length === 0) return { unfinished };
    return { unfinished, failure: new LockBackendError(keys, callFailed('release', keys, cause), { cause }) };
  }

  private async drained(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => (this.onDrained = resolve));
  }

  /** Resolves when this process has nothing in the store any more, as far as the store has said. */
  private async settled(): Promise<void> {
    const { calls, retry } = this;
    do {
      this.releaser.releaseHeld(endedByShutdown);
      await Promise.all([calls.whenIdle(), retry.whenDone()]);
      // A request from before the shutdown may have been granted meanwhile.
    } while (!this.leases.isEmpty || !calls.isIdle);
  }
}

async function within(work: Promise<void>, milliseconds: number, clock: Clock): Promise<void> {
  let timer: ClockTimer | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = clock.setTimer(resolve, milliseconds, true);
  });
  await Promise.race([work, deadline]);
  timer?.cancel();
}
