import { EventEmitter } from 'node:events';
import type { Logger } from '@nestjs/common';
import { listenerFailed } from './leader-election.messages.js';
import type { LeaderElectionEvents, RoleEvent } from './leader-term.interface.js';
import { Runs } from './runs.js';
import type { Term } from './term.js';

type EventName = keyof LeaderElectionEvents;

/** A decorated method, bound to its instance. */
export interface LeaderHandler {
  /** For messages: `@OnLeader("relay") on Relay.run`. */
  readonly label: string;
  readonly call: (term: Term | undefined) => unknown;
}

/** The listeners of an election. None of them can harm it, or keep the others from being called. */
export class LeaderHandlers {
  readonly events = new EventEmitter<LeaderElectionEvents>();

  /** Calls of `@OnLeader` methods that are under way. */
  readonly runs = new Runs();

  /** The last event, with the term if this instance has become leader. */
  private told?: { readonly leader?: Term };

  private readonly methods: Record<RoleEvent, LeaderHandler[]> = { leader: [], follower: [] };

  constructor(
    private readonly name: string,
    private readonly logger: Logger,
  ) {}

  /** A handler that comes later than the event is called at once. */
  add(event: RoleEvent, handler: LeaderHandler): void {
    this.methods[event].push(handler);
    if (!this.told) return;
    const { leader } = this.told;
    if (event === 'follower' && !leader) this.callFollower(handler, undefined);
    if (event === 'leader' && leader) this.callLeader(handler, leader);
  }

  tellLeader(term: Term): void {
    this.told = { leader: term };
    this.emit('leader', term);
    for (const handler of this.methods.leader) this.callLeader(handler, term);
  }

  tellFollower(ended: Term | undefined): void {
    this.told = {};
    this.emit('follower', ended);
    for (const handler of this.methods.follower) this.callFollower(handler, ended);
  }

  tellNewLeader(instanceId: string): void {
    this.emit('newLeader', undefined, instanceId);
  }

  private callLeader({ label, call }: LeaderHandler, term: Term): void {
    // A handler before may have stepped down.
    if (term.leads) void this.runs.track(async () => this.guard(label, () => call(term), term));
  }

  private callFollower({ label, call }: LeaderHandler, ended: Term | undefined): void {
    void this.guard(label, () => call(ended));
  }

  /** One by one, as an emitter would stop at the first that throws. */
  private emit(event: EventName, term: Term | undefined, argument: unknown = term): void {
    for (const listener of this.events.rawListeners(event)) {
      void this.guard(`a listener of "${event}"`, () => (listener as (argument: unknown) => unknown)(argument), term);
    }
  }

  private async guard(label: string, call: () => unknown, term?: Term): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (!isEndOf(term, error)) this.logger.error(listenerFailed(this.name, label, error));
    }
  }
}

/** What hands the signal on fails with its reason, or as everything does that was aborted: that is as it should be. */
function isEndOf(term: Term | undefined, error: unknown): boolean {
  if (!term?.signal.aborted) return false;
  return error === term.signal.reason || (error as { name?: unknown } | undefined)?.name === 'AbortError';
}
