import type { Clock, ClockTimer } from '../../engine/runtime/clock.js';
import { inNeutralContext } from '../../engine/runtime/neutral-context.js';
import type { CircuitBreakerChange, CircuitBreakerInfo } from './circuit-breaker.interface.js';

/** Users give a function that returns nothing, which an async one passes for. */
export type CircuitListener = (change: CircuitBreakerChange) => unknown;

type Told = Pick<CircuitBreakerInfo, 'state' | 'scope'>;

/** Messages may be lost, and a store may have none: so often it is read for listeners, in milliseconds. */
const LOOK_EVERY = 1000;

/** Tells listeners of the changes of one circuit. */
export class CircuitListeners {
  private readonly listeners = new Set<{ readonly call: CircuitListener }>();
  private told: Told = { state: 'closed', scope: 'shared' };
  private timer?: ClockTimer;

  /**
   * @param look - called once a second while there are listeners
   * @param onFailed - called with what a listener threw
   */
  constructor(
    private readonly clock: Clock,
    private readonly look: () => void,
    private readonly onFailed: (error: unknown) => void,
  ) {}

  get size(): number {
    return this.listeners.size;
  }

  /** @returns a function that ends it */
  add(listener: CircuitListener): () => void {
    // Each call has an entry of its own, also for the same function.
    const entry = { call: listener };
    this.listeners.add(entry);
    this.lookLater();
    return () => {
      this.listeners.delete(entry);
      if (this.listeners.size === 0) this.close();
    };
  }

  /** Tells of a change, if there is one. Returns whether there was. */
  tell({ name, state, scope, retryAfter }: CircuitBreakerInfo): boolean {
    const { told } = this;
    if (told.state === state && told.scope === scope) return false;
    this.told = { state, scope };
    // The former scope of a circuit that is closed now does not matter.
    if (told.state === state && state === 'closed') return false;
    const change: CircuitBreakerChange = Object.freeze({ name, state, scope, retryAfter, previous: told.state });
    for (const { call } of [...this.listeners]) {
      inNeutralContext(() => {
        this.call(call, change);
      });
    }
    return true;
  }

  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private call(listener: CircuitListener, change: CircuitBreakerChange): void {
    try {
      // One that is async fails later.
      const result = listener(change);
      if (result instanceof Promise) result.catch(this.onFailed);
    } catch (error) {
      this.onFailed(error);
    }
  }

  private lookLater(): void {
    this.timer ??= this.clock.setTimer(
      () => {
        this.timer = undefined;
        this.look();
        this.lookLater();
      },
      LOOK_EVERY,
      false,
    );
  }
}
