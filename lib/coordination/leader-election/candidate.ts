import type { Logger } from '@nestjs/common';
import { lockingChannels } from '../../diagnostics/channels.js';
import { inNeutralContext } from '../../engine/runtime/neutral-context.js';
import type { Lock } from '../../interfaces/index.js';
import type { LockingService } from '../../module/locking.service.js';
import { Campaign } from './campaign.js';
import { Heartbeat } from './heartbeat.js';
import { elected, leadershipLost, notReleased, steppedDown, stillRunning } from './leader-election.messages.js';
import { LeaderHandlers } from './leader-handlers.js';
import { LeaderWatch } from './leader-watch.js';
import { Outage } from './outage.js';
import { pause } from '../pause.js';
import { Presence } from './presence.js';
import type { ElectionPlan } from './read-leader-options.js';
import { Renewal } from './renewal.js';
import { awaitRuns, Runs } from './runs.js';
import { Term } from './term.js';

/** How long a shutdown waits for one answer of the store before it goes on, in milliseconds. */
const STORE_PATIENCE = 1000;

/** This instance's part in one election, from the start of the application to its end: it stands for leader, leads, stands again. */
export class Candidate {
  readonly handlers: LeaderHandlers;

  /** Calls of `@LeaderOnly` methods that are under way. */
  readonly methods = new Runs();

  private readonly renewal: Renewal;
  private readonly outage: Outage;
  private readonly campaign: Campaign;
  private readonly presence: Presence;
  private readonly watch: LeaderWatch;
  private readonly stopping = new AbortController();
  /** Is aborted when the time that a shutdown leaves for work that is under way is over. */
  private readonly hurry = new AbortController();
  private current?: Term;
  private released: Promise<void> = Promise.resolve();
  private running?: Promise<void>;

  constructor(
    readonly plan: ElectionPlan,
    private readonly locking: () => LockingService,
    private readonly logger: Logger,
  ) {
    this.handlers = new LeaderHandlers(plan.name, logger);
    this.watch = new LeaderWatch(plan, locking, this.handlers);
    this.renewal = new Renewal(plan);
    this.outage = new Outage(plan.name, logger);
    this.campaign = new Campaign(plan, locking, this.outage, () => {
      this.handlers.tellFollower(undefined);
    });
    this.presence = new Presence(plan, this.renewal, locking, logger, this.outage, this.stopping.signal);
  }

  /** The term of this moment, if this instance leads. */
  get term(): Term | undefined {
    return this.current?.leads ? this.current : undefined;
  }

  /** @throws LockConfigurationError when there are no locks, or not those of its provider */
  check(): void {
    const { provider } = this.plan;
    const locking = this.locking();
    if (provider !== undefined) locking.provider(provider);
  }

  /** Handlers belong to the application as a whole, not to the caller that starts it. */
  start(): void {
    this.running = inNeutralContext(async () => this.run());
    void inNeutralContext(async () => this.watch.run(this.stopping.signal));
  }

  /**
   * Resolves once the leadership, if any, has been handed over, and nothing of this instance is left in the store; after
   * `limit` milliseconds at the latest. The shutdown then releases what is left together with all other locks.
   */
  async stop(limit: number): Promise<void> {
    this.stopping.abort();
    if (!this.running) return;
    const left = this.stepDown(this.leave(this.running));
    const over = new AbortController();
    const late = pause(limit, over.signal, true).then(() => {
      this.hurry.abort();
    });
    await Promise.race([left, late]);
    over.abort();
  }

  /**
   * @returns whether this instance led until now; resolves once it no longer holds the lock, or, called from within a
   * handler or method that is waited for, once only that is
   */
  async resign(): Promise<boolean> {
    const led = this.term !== undefined;
    await this.stepDown(this.released);
    return led;
  }

  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  /** @param end - what waits for all calls that are under way */
  private async stepDown(end: Promise<void>): Promise<void> {
    const works = [this.handlers.runs, this.methods];
    const isWithin = works.map((runs) => runs.excuseCaller()).includes(true);
    this.current?.stepDown();
    if (!isWithin) return end;
    await Promise.race([end, Promise.all(works.map(async (runs) => runs.othersSettled()))]);
  }

  private async leave(running: Promise<void>): Promise<void> {
    await running;
    await withinPatience(this.presence.leave());
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    // First: handlers that ask for the instances are to find this one among them.
    await this.presence.show();
    while (!this.isStopping()) {
      try {
        const lock = await this.campaign.win(signal);
        const term = await this.lead(lock);
        // An instance that resigned wants another one to lead: the others come first.
        if (term && term.loss === undefined) await pause(this.plan.heartbeatInterval, signal);
      } catch (error) {
        if (!this.isStopping()) this.outage.note(error);
      }
    }
  }

  private async lead(lock: Lock): Promise<Term | undefined> {
    if (this.isStopping() || !lock.held) {
      await this.release(lock);
      return undefined;
    }
    const term = new Term(this.plan, lock, this.onEnd);
    this.current = term;
    const { promise, resolve } = promiseWithResolver();
    this.released = promise;
    const heartbeat = new Heartbeat(this.plan.heartbeatInterval, this.outage, async () => {
      if (!this.renewal.needed || !lock.held) return false;
      await this.renewal.renew(lock);
      return true;
    });
    heartbeat.start(this.plan.heartbeatInterval);
    try {
      this.logger.log(elected(term.name, term.instanceId, term.fencingToken));
      this.publish('leader', term);
      this.handlers.tellLeader(term);
      this.watch.note(term.instanceId);
      await term.ended;
      await this.workEnded(term);
    } finally {
      // Not waited for: an unanswered renewal must not keep the key.
      void heartbeat.stop();
      await this.release(lock);
      this.current = undefined;
      resolve();
    }
    return term;
  }

  private readonly onEnd = (term: Term): void => {
    const { name, instanceId, loss } = term;
    if (loss === undefined) this.logger.log(steppedDown(name, instanceId));
    else this.logger.warn(leadershipLost(name, instanceId, loss));
    this.publish('follower', term);
    this.handlers.tellFollower(term);
  };

  private publish(role: 'leader' | 'follower', { name: election, instanceId, fencingToken, loss: error }: Term): void {
    const { leader } = lockingChannels;
    if (!leader.hasSubscribers) return;
    const origin = this.locking().originOf({ provider: this.plan.provider });
    leader.publish({ ...origin, election, instanceId, role, fencingToken, error });
  }

  /**
   * Waits for the work that was begun under the term: a leader that steps down hands over only then. One that has lost
   * the leadership waits for its handlers alone, so that no handler is called for the next term while it still runs.
   */
  private async workEnded({ loss, name }: Term): Promise<void> {
    const { leaderTimeout } = this.plan;
    const hasTime = loss === undefined || this.isStopping();
    const works = hasTime ? [this.handlers.runs, this.methods] : [this.handlers.runs];
    const since = performance.now();
    const left = await awaitRuns(works, leaderTimeout, hasTime, this.hurry.signal);
    const isHurried = this.hurry.signal.aborted;
    if (left > 0)
      this.logger.warn(stillRunning(name, left, isHurried ? Math.round(performance.now() - since) : leaderTimeout));
  }

  private async release(lock: Lock): Promise<void> {
    try {
      const released = lock.release();
      await (this.isStopping() ? withinPatience(released) : released);
    } catch (error) {
      this.logger.warn(notReleased(this.plan.name, error));
    }
  }
}

/** The shutdown sees to what the store has not answered by then. */
async function withinPatience(answer: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([answer, pause(STORE_PATIENCE, over.signal, true)]);
  } finally {
    over.abort();
  }
}

function promiseWithResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
