import { inNeutralContext } from '../../engine/runtime/neutral-context.js';
import type { Lock } from '../../interfaces/index.js';
import { notLeading } from './leader-election.messages.js';
import type { LeaderTerm } from './leader-term.interface.js';
import type { ElectionPlan } from './read-leader-options.js';

/** A term of this instance. It ends when its lock is lost or when it is told to, whichever comes first. */
export class Term implements LeaderTerm {
  readonly name: string;
  readonly instanceId: string;
  readonly fencingToken: number;

  /** Resolves when the term has ended. */
  readonly ended: Promise<void>;

  /** The loss that ended it, if it was one. */
  loss?: unknown;

  // Not merely private: a term that is logged shows what it is, not the lock behind it.
  readonly #lock: Lock;
  readonly #onEnd: (term: Term) => void;
  readonly #controller = new AbortController();
  #over = false;
  #end: () => void = () => undefined;

  constructor({ name, instanceId }: ElectionPlan, lock: Lock, onEnd: (term: Term) => void) {
    this.name = name;
    this.instanceId = instanceId;
    this.fencingToken = lock.fencingToken;
    this.#lock = lock;
    this.#onEnd = onEnd;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    lock.signal.addEventListener('abort', this.#onLost);
  }

  /** By the clock, not by the timers: a process that was frozen finds out before any timer has fired. */
  get leads(): boolean {
    this.#look();
    return !this.#over && this.#lock.held;
  }

  get remaining(): number {
    return this.leads ? this.#lock.remaining : 0;
  }

  get signal(): AbortSignal {
    this.#look();
    return this.#controller.signal;
  }

  /** From now on nothing of this instance leads, whether or not the lock is still held. */
  stepDown(): void {
    this.#finish(new DOMException(notLeading(this.name), 'AbortError'));
  }

  readonly #onLost = (): void => {
    if (this.#over) return;
    this.loss = this.#lock.signal.reason;
    this.#finish(this.loss);
  };

  /** Asked for, the signal of a lock aborts once its lease has run out, however late the timer is. */
  #look(): void {
    if (!this.#over && this.#lock.signal.aborted) this.#onLost();
  }

  #finish(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#lock.signal.removeEventListener('abort', this.#onLost);
    // The listeners do not run in the context of the call that resigns, or that first sees that the lease has run out.
    inNeutralContext(() => {
      this.#controller.abort(reason);
      this.#end();
      this.#onEnd(this);
    });
  }
}
