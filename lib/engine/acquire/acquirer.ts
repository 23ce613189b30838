import type { LeaseAnswer, WakeUpListener } from '../../interfaces/index.js';
import { Backoff } from './backoff.js';
import { localDeadline } from '../runtime/drift.js';
import { forcedFree } from '../engine.messages.js';
import type { EngineParts } from '../engine-parts.js';
import type { Queue } from '../wait/queue.js';
import { inNeutralContext } from '../runtime/neutral-context.js';
import { Poller } from './poller.js';
import { AcquireAttempt, type Found, type AttemptOwner } from './acquire-attempt.js';
import { mayHaveRun } from '../store/store-calls.js';
import type { Waiter } from '../wait/waiter.js';

/** What is sought. */
export interface AttemptSpec {
  /** The line of the first key. */
  readonly line: Queue;
  readonly keys: readonly string[];
  readonly ttl: number | null;
  readonly owner: AttemptOwner;
  /** The attempt's own id without it. */
  readonly ownerId?: string;
  readonly waiter?: Waiter;
  readonly tokens?: number;
  readonly onlyIfOwned?: boolean;
  /** Ask only in so many milliseconds. */
  readonly after?: number;
}

/** A key that is not had yet is looked at once more after so many milliseconds, whatever else happens. */
const LONGEST_CHECK = 1000;

/** After a store has refused to tell this process anything, it is asked again only after so many milliseconds. */
const LISTEN_AGAIN = 10_000;

/**
 * A question may have been lost on its way, so it is asked once more while the answer is owed; not a third time, as a store
 * that hangs would have to work all of them off.
 */
const MOST_OWED = 2;

/** A lease about to run out is not asked after more often than this, in milliseconds. */
const SHORTEST_CHECK = 2;

/**
 * Gets leases from the store: asks, stands in line, hears of grants, and asks again where a message may have been
 * lost. See "Waiting" in ARCHITECTURE.md.
 */
export class Acquirer implements WakeUpListener {
  private readonly rounds: Poller;
  private listening: 'no' | 'soon' | 'yes' = 'no';
  /** When to try that again, on the local clock. */
  private listenFrom = -Infinity;

  constructor(private readonly parts: EngineParts) {
    this.rounds = new Poller(parts, (seek) => {
      this.ask(seek);
    });
  }

  /** Whether this process may stand in line in the store. */
  get canQueue(): boolean {
    return this.listening === 'yes';
  }

  start({
    line,
    keys,
    ttl,
    owner,
    ownerId,
    waiter,
    tokens,
    onlyIfOwned = false,
    after = 0,
  }: AttemptSpec): AcquireAttempt {
    const attemptId = this.parts.nextId();
    const request = { keys, ownerId: ownerId ?? attemptId, attemptId, ttl, onlyIfOwned, tokens };
    const seek = new AcquireAttempt(line, owner, request, waiter);
    if (!onlyIfOwned) line.seek = seek;
    if (after > 0) this.rounds.add(seek, after);
    else this.ask(seek);
    return seek;
  }

  /** Leaves nothing of it in the store, whatever became of it there. */
  abandon(seek: AcquireAttempt): void {
    this.finish(seek);
    this.settle(seek);
  }

  /** Takes back what `seek` may still take: at once, or when its question is answered. */
  settle(seek: AcquireAttempt): void {
    if (seek.asking && this.parts.calls.withdraw(seek.request, seek.place)) seek.asking = false;
    if (seek.asking) seek.abandoned = true;
    else if (seek.unsettled) this.undo(seek);
  }

  /**
   * What `seek` has found is being released. If it has to be undone as well, that must not overtake the release: the
   * store would answer that the key was not held, as if it had been lost.
   */
  releasing(seek: AcquireAttempt): void {
    seek.releases += 1;
    this.settle(seek);
  }

  /** Such a release is answered, or has failed. */
  released(seek: AcquireAttempt): void {
    seek.releases -= 1;
    if (seek.releases > 0 || !seek.undoAfter) return;
    seek.undoAfter = false;
    this.undo(seek);
  }

  /** Looks after a line whose key is held in this process while somebody waits for it. */
  attend(line: Queue): void {
    this.rounds.attend(line);
    this.listen();
  }

  /** Nobody waits there any more. */
  leave(line: Queue): void {
    this.rounds.leave(line);
  }

  close(): void {
    this.rounds.close();
  }

  granted(key: string, attemptId: string, token: number, wanted: boolean): void {
    const seek = this.parts.lines.get(key)?.seek;
    if (seek?.attemptId !== attemptId || token <= seek.lastToken) return;
    // It was not granted before the store last said "not yet"; nobody knows how long after.
    const deadline = localDeadline(seek.confirmedAt ?? seek.firstSentAt ?? 0, seek.request.ttl);
    if (this.parts.leaseClock.now() >= deadline || (seek.refused && !seek.queued)) {
      // Too long ago to trust it, or from before the last answer, but most likely the key is there: the store knows.
      this.askNow(seek);
      return;
    }
    seek.mayStand = false;
    seek.token = token;
    this.found(seek, { tokens: [token], reentered: [false], wanted, deadline });
  }

  offered(key: string, attemptId: string): void {
    const seek = this.parts.lines.get(key)?.seek;
    if (seek?.attemptId === attemptId) this.askNow(seek);
  }

  wanted(key: string, attemptId: string): void {
    const lease = this.parts.lines.lease(key);
    if (lease?.attemptId === attemptId) this.parts.cohort.noteWanted(lease);
  }

  taken(key: string, attemptId: string): void {
    const lease = this.parts.lines.lease(key);
    if (lease?.attemptId !== attemptId) return;
    const { address, leases, look, retry } = this.parts;
    leases.forfeit(lease, forcedFree([key]));
    // If word of it comes late, the same attempt may have been granted again since.
    retry.add({ keys: [key], ownerId: lease.ownerId, attemptId, undo: true, address }, lease.ttl);
    look([key]);
  }

  interrupted(): void {
    this.listening = 'soon';
    // Who wants them cannot be heard any more.
    for (const lease of this.parts.leases.all()) this.parts.cohort.noteWanted(lease);
  }

  restored(): void {
    this.listening = 'yes';
    this.askAll();
  }

  /** Asks for everything that is sought now: the store may have lost the places in its queues. */
  askAll(): void {
    for (const seek of this.rounds.everyone()) this.ask(seek);
  }

  private askNow(seek: AcquireAttempt): void {
    seek.askAgain = seek.asking || seek.owed >= MOST_OWED;
    this.ask(seek);
  }

  private ask(seek: AcquireAttempt): void {
    if (seek.asking || seek.owed >= MOST_OWED || seek.over) return;
    const { calls, leaseClock, address } = this.parts;
    const { request } = seek;
    request.address = this.canQueue && !seek.once && request.keys.length === 1 ? address : undefined;
    const sentAt = leaseClock.now();
    seek.firstSentAt ??= sentAt;
    if (seek.isWaiting) request.waited = Math.round(sentAt - seek.firstSentAt);
    else if (request.waited !== undefined) request.waited = undefined;
    seek.asking = true;
    seek.asked += 1;
    seek.place = calls.acquire(request, {
      answered: (answer) => {
        seek.asking = false;
        if (!answer.granted) seek.note(answer);
        if (!seek.over) this.answered(seek, answer, sentAt);
        else if (seek.abandoned && (answer.granted || seek.unsettled)) this.undo(seek);
      },
      failed: (error, owed) => {
        seek.asking = false;
        if (mayHaveRun(error)) seek.unanswered += 1;
        if (owed) this.follow(seek, owed, sentAt);
        if (!seek.over) this.failed(seek, error);
        else if (seek.abandoned) this.settle(seek);
      },
    });
  }

  /** An answer that takes too long may still come. */
  private follow(seek: AcquireAttempt, owed: Promise<LeaseAnswer>, sentAt: number): void {
    seek.owed += 1;
    owed.then(
      (answer) => {
        seek.owed -= 1;
        seek.unanswered -= 1;
        if (seek.over) return;
        if (!answer.granted) seek.note(answer);
        this.answered(seek, answer, sentAt);
      },
      () => {
        seek.owed -= 1;
        this.ask(seek);
      },
    );
  }

  private answered(seek: AcquireAttempt, answer: LeaseAnswer, sentAt: number): void {
    if (answer.granted) {
      const { fencingTokens: tokens, reentered, wanted = false } = answer;
      if (seek.request.address !== undefined) seek.mayStand = false;
      this.found(seek, { tokens, reentered, wanted, deadline: localDeadline(sentAt, seek.request.ttl) });
      return;
    }
    seek.confirmedAt = sentAt;
    seek.refused = true;
    seek.isWaiting = !seek.once && seek.request.keys.length === 1;
    if (seek.once) this.abandon(seek);
    seek.owner.refused(seek);
    if (seek.over) return;
    const poll = !seek.queued || answer.foreign ? this.nextPoll(seek, answer.askWithin) : LONGEST_CHECK;
    const wait = seek.askAgain ? 0 : Math.min(poll, LONGEST_CHECK, answer.remaining ?? Infinity);
    seek.askAgain = false;
    this.rounds.add(seek, Math.max(SHORTEST_CHECK, wait));
    if (!seek.queued) this.listen();
  }

  private failed(seek: AcquireAttempt, error: unknown): void {
    seek.isWaiting = false;
    if (seek.owner.ridesOut(seek, error)) {
      if (seek.owed < MOST_OWED) this.rounds.add(seek, this.backoff(seek).next());
      return;
    }
    this.abandon(seek);
    seek.owner.failed(seek, error);
  }

  private found(seek: AcquireAttempt, found: Found): void {
    if (this.parts.leaseClock.now() < found.deadline) {
      this.finish(seek);
      seek.owner.found(seek, found);
      return;
    }
    // Whatever it was, it has run out by now.
    seek.unanswered += 1;
    this.abandon(seek);
    seek.owner.late(seek);
  }

  private finish(seek: AcquireAttempt): void {
    seek.over = true;
    this.rounds.remove(seek);
    if (seek.line.seek === seek) seek.line.seek = undefined;
  }

  private undo(seek: AcquireAttempt): void {
    if (seek.releases > 0) {
      seek.undoAfter = true;
      return;
    }
    const { request, waiter, unanswered } = seek;
    const { ownerId, attemptId, ttl } = request;
    const { address, leases, retry } = this.parts;
    // What still stands here by that attempt is given back in its own time.
    const keys = request.keys.filter((key) => leases.get(key)?.attemptId !== attemptId);
    if (keys.length === 0) return;
    // A named owner may have taken the key elsewhere, for longer.
    const lasts = waiter?.options.ownerId === undefined ? ttl : null;
    retry.add({ keys, ownerId, attemptId, undo: true, address, pending: unanswered > 0 }, lasts);
  }

  /** Spread, so that processes that were refused together do not come back together. */
  private nextPoll(seek: AcquireAttempt, askWithin: number | undefined): number {
    return askWithin === undefined ? this.backoff(seek).next() : askWithin * (0.5 + Math.random() / 2);
  }

  private backoff(seek: AcquireAttempt): Backoff {
    return (seek.backoff ??= new Backoff(this.parts.settings.backoff));
  }

  /**
   * Where there are lines, this process is to be told of its turn before it joins one, and, if it hands leases on, of
   * those who wait elsewhere.
   */
  private listen(): void {
    const { provider, address, clock } = this.parts;
    if (this.listening !== 'no' || !provider.listen || clock.now() < this.listenFrom) return;
    this.listening = 'soon';
    inNeutralContext(async () => provider.listen?.(address, this)).then(
      () => {
        if (this.listening === 'soon') this.restored();
      },
      () => {
        this.listening = 'no';
        this.listenFrom = clock.now() + LISTEN_AGAIN;
      },
    );
  }
}
