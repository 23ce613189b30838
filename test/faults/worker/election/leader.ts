import { setTimeout as delay } from 'node:timers/promises';
import { isLockLostError, OnLeader, type LeaderElection, type LeaderTerm } from 'nestjs-locking';
import { now } from '../../clock.js';
import type { Appender } from '../../history/append.js';
import type { WorkerRecord } from '../../history/records.js';
import type { WriteClient } from '../../write-store/client.js';

/** The history records the election as a key like others. */
const KEY = 'election';

/** Greater than the numbers of all calls for locks. */
const FIRST_CALL = 9e8;

/** A candidate waits without a limit. */
const NO_TIMEOUT = 1e9;

/** Milliseconds between the steps of a leader. */
const PACE = 40;

/** The part of an election that a leader asks whether it leads. */
export type Belief = Pick<LeaderElection, 'isLeader'>;

/** Works while its instance believes to lead, and records that: each term counts as a hold. */
export class Leader {
  private id = FIRST_CALL;
  private joined = false;
  /** The call of the present term. */
  private leading?: number;
  private stopped = false;
  private belief?: Belief;

  constructor(
    private readonly lease: number,
    private readonly heartbeat: number,
    private readonly history: Appender<WorkerRecord>,
    private readonly writes: WriteClient,
  ) {
    this.join();
  }

  observe(belief: Belief): void {
    this.belief = belief;
  }

  stop(): void {
    this.stopped = true;
  }

  /** Reads, waits and writes for as long as `isLeader()` returns true, without a look at its signal. */
  @OnLeader('contest')
  async lead(term: LeaderTerm): Promise<void> {
    this.join();
    this.joined = false;
    const { id } = this;
    this.leading = id;
    const token = term.fencingToken;
    const t = now();
    const left = term.remaining;
    this.history.add({ e: 'grant', t, u: now(), id, tokens: [token], left });
    const { signal } = term;
    const onEnd = (): void => {
      if (isLockLostError(signal.reason)) this.history.add({ e: 'lost', t: now(), id });
      this.history.add({ e: 'end', t: now(), id, left: 0 });
      this.rejoin(signal);
    };
    if (signal.aborted) onEnd();
    else signal.addEventListener('abort', onEnd);
    while (this.noteBelief(id, term)) {
      const { value } = await this.writes.perform({ op: 'read', id, key: KEY, token });
      await delay(PACE);
      await this.writes.perform({ op: 'write', id, key: KEY, token, base: value });
    }
  }

  /** Reads the time before it asks, so that the answer is about no earlier moment. */
  private noteBelief(id: number, term: LeaderTerm): boolean {
    const t = now();
    const leads = this.belief ? this.belief.isLeader() : !term.signal.aborted;
    if (this.stopped || this.leading !== id || !leads) return false;
    this.history.add({ e: 'leads', t, id });
    this.history.add({ e: 'seen', t, id, left: term.remaining });
    return true;
  }

  private join(): void {
    if (this.joined) return;
    this.joined = true;
    this.id += 1;
    const { id, lease } = this;
    this.history.add({ e: 'join', t: now(), id, call: 'leader', keys: [KEY], lease, timeout: NO_TIMEOUT });
  }

  /** An instance that has resigned is a candidate again only after a heartbeat. */
  private rejoin({ reason }: AbortSignal): void {
    if (this.stopped) return;
    if (isLockLostError(reason)) this.join();
    else
      setTimeout(() => {
        if (!this.stopped) this.join();
      }, this.heartbeat).unref();
  }
}
