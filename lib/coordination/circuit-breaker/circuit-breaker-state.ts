import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from '../../engine/runtime/clock.js';
import { systemClock } from '../../engine/runtime/system-clock.js';
import { parseDuration } from '../../engine/options/duration.js';
import { LockConfigurationError } from '../../errors/index.js';
import { ThrottledLog } from '../../logging/throttled-log.js';
import { LockingService } from '../../module/locking.service.js';
import type { RecordService } from '../../records/index.js';
import type {
  CircuitBreakerCallOptions,
  CircuitBreakerChange,
  CircuitBreakerInfo,
  CircuitBreakerOptions,
  CircuitState,
  SetCircuitStateOptions,
} from './circuit-breaker.interface.js';
import { changed, forWithoutOpen, functionMissing, listenerFailed, storeFailed } from './circuit-breaker.messages.js';
import { CircuitRecords, newState } from './circuit-records.js';
import { Circuit } from './circuit.js';
import {
  assertCircuitName,
  assertFunction,
  assertState,
  probeKeyOf,
  readCircuitOptions,
  recordOf,
  turnKeyOf,
} from './read-circuit-options.js';
import { runInCircuit } from './run-in-circuit.js';

/** The lease of a probe: so long the slot is taken after its process has died, in the form of an option. */
const PROBE_LEASE = '5s';

/** How long a change waits for its turn behind those of other instances. */
const LONGEST_TURNS = '1m';

/** With more circuits than this, those that are not in use are forgotten. */
const MANY_CIRCUITS = 1000;

/** How many changes are logged in 10 s. */
const MOST_LOGGED = 10;

/**
 * Circuits that all instances of an application share: while a service fails, calls to it end at once. `@WithCircuitBreaker`
 * and {@link execute} are made of the other calls, for circuits around what neither can wrap.
 *
 * An instance counts its own calls. Changes go through a record in the store of the locks (memory, Redis, PostgreSQL; not a
 * quorum) and reach other instances by message. A call waits for the store only where it is the probe, and for half a
 * second at most where it is the first. Without the store each instance goes by its own calls.
 *
 * Every call may throw `LockKeyError` for an unusable name, and `LockConfigurationError` for options that cannot work,
 * differ from those that the circuit has, or name a provider without records.
 *
 * @example
 * const charge = await circuits.execute('stripe', () => stripe.charges.create(order), { failureRatio: 0.5 });
 */
export class CircuitBreakerState implements OnApplicationShutdown {
  private readonly instance = `${hostname()}-${String(process.pid)}-${randomBytes(4).toString('hex')}`;
  private readonly logger = new Logger('CircuitBreaker');
  private readonly circuits = new Map<string, Circuit>();
  private sweepAt = MANY_CIRCUITS;
  /** Options that were read already, which most calls come with again. */
  private readonly read = new WeakMap<object, WeakSet<Circuit>>();
  private readonly locking: LockingService;
  private readonly failures = new ThrottledLog((line) => {
    this.logger.warn(line);
  }, 1);
  private readonly changes = new ThrottledLog((line) => {
    this.logger.warn(line);
  }, MOST_LOGGED);

  /**
   * @internal
   * @param resolveProvider - the one id of a provider that may be named in several ways
   */
  constructor(
    locking: LockingService,
    private readonly records: RecordService,
    private readonly resolveProvider: (id?: string) => string,
    private readonly clock: Clock = systemClock,
  ) {
    this.locking = LockingService.forOwnKeys(locking);
  }

  /**
   * Calls `job` unless the circuit is open, and counts what it comes to. What it returns or throws passes through.
   *
   * @throws CircuitOpenError when the call was not made
   *
   * @example
   * const rates = await circuits.execute('rates', () => fetchRates(), { openFor: '10s', isFailure: (error) => !isBadRequest(error) });
   */
  async execute<T>(name: string, job: () => T | PromiseLike<T>, options: CircuitBreakerCallOptions = {}): Promise<T> {
    if (typeof (job as unknown) !== 'function') throw new LockConfigurationError(functionMissing('execute', 'job'));
    assertFunction(options.isFailure, 'isFailure');
    const circuit = this.circuit(name, options, ['isFailure']);
    return runInCircuit(circuit, `execute(${JSON.stringify(name)})`, job, options.isFailure);
  }

  /** @internal A call of a decorated method, whose options have been checked. */
  async call<T>(
    name: string,
    job: () => T | PromiseLike<T>,
    options: CircuitBreakerCallOptions,
    label: string,
  ): Promise<T> {
    return runInCircuit(this.circuit(name, options, ['isFailure', 'fallback']), label, job, options.isFailure);
  }

  /**
   * The circuit as the store has it now, and what this instance has counted. Without the store: what this instance knows.
   *
   * @example
   * const { state, retryAfter } = await circuits.getState('stripe');
   */
  async getState(name: string, options: CircuitBreakerOptions = {}): Promise<CircuitBreakerInfo> {
    return this.circuit(name, options).look();
  }

  /**
   * Puts the circuit into a state, for all instances: for operators. Counts begin anew.
   *
   * @param options - `for`: how long it stays open, `null` until the next `setState`; and those of the circuit
   * @throws LockBackendError when the store cannot be asked; the circuit may have changed
   *
   * @example
   * await circuits.setState('stripe', 'open', { for: '10m' });
   */
  async setState(name: string, state: CircuitState, options: SetCircuitStateOptions = {}): Promise<CircuitBreakerInfo> {
    assertState(state);
    if (options.for !== undefined && state !== 'open') throw new LockConfigurationError(forWithoutOpen());
    const time = options.for;
    const length =
      time === undefined || time === null ? time : parseDuration(time, 'for', { bareUnit: 's', minimum: 1 });
    const circuit = this.circuit(name, options, ['for']);
    const openFor = length === undefined ? circuit.openFor : length;
    await circuit.set(state === 'open' ? newState(state, openFor) : newState(state));
    return circuit.info();
  }

  /**
   * Counts a call that failed, which was not made by {@link execute}. Once the time of an open circuit is over, it opens it
   * again. Resolves when the store has answered, or has failed to.
   *
   * @example
   * socket.on('error', () => void circuits.recordFailure('feed'));
   */
  async recordFailure(name: string, options: CircuitBreakerOptions = {}): Promise<CircuitBreakerInfo> {
    return this.record(name, 'failure', options);
  }

  /**
   * Counts a call that succeeded, which was not made by {@link execute}. Once the time of an open circuit is over, it closes it.
   * Resolves when the store has answered, or has failed to.
   *
   * @example
   * socket.on('message', () => void circuits.recordSuccess('feed'));
   */
  async recordSuccess(name: string, options: CircuitBreakerOptions = {}): Promise<CircuitBreakerInfo> {
    return this.record(name, 'success', options);
  }

  /**
   * Calls `listener` after each change of the circuit that this instance learns of, its own included. An error of it is
   * logged.
   *
   * @returns a function that ends it
   *
   * @example
   * const end = await circuits.subscribe('stripe', ({ state }) => gauge.set(state === 'closed' ? 0 : 1));
   */
  async subscribe(
    name: string,
    listener: (change: CircuitBreakerChange) => void,
    options: CircuitBreakerOptions = {},
  ): Promise<() => void> {
    if (typeof (listener as unknown) !== 'function') {
      throw new LockConfigurationError(functionMissing('subscribe', 'listener'));
    }
    return this.circuit(name, options).subscribe(listener);
  }

  /** Called by Nest: looks at no store any more. */
  onApplicationShutdown(): void {
    for (const circuit of this.circuits.values()) circuit.close();
  }

  private async record(
    name: string,
    outcome: 'success' | 'failure',
    options: CircuitBreakerOptions,
  ): Promise<CircuitBreakerInfo> {
    const circuit = this.circuit(name, options);
    await circuit.record(outcome);
    return circuit.info();
  }

  private circuit(
    name: string,
    options: CircuitBreakerOptions,
    allowed: readonly ('isFailure' | 'fallback' | 'for')[] = [],
  ): Circuit {
    assertCircuitName(name);
    const provider = this.resolveProvider(options.provider);
    const id = JSON.stringify([provider, name]);
    const known = this.circuits.get(id);
    if (known && this.read.get(options)?.has(known)) return known;
    const settings = readCircuitOptions(options, allowed);
    const circuit = known ?? this.open(id, name, options.provider);
    if (settings) circuit.configure(settings);
    // Others can still change what is not frozen.
    if (Object.isFrozen(options)) {
      const circuits = this.read.get(options) ?? new WeakSet();
      this.read.set(options, circuits.add(circuit));
    }
    return circuit;
  }

  private open(id: string, name: string, provider: string | undefined): Circuit {
    this.records.assertOffered(provider);
    if (this.circuits.size >= this.sweepAt) this.forgetIdle();
    const { clock, instance, locking } = this;
    const circuit = new Circuit({
      name,
      instance,
      clock,
      records: new CircuitRecords(this.records, recordOf(name), provider, clock),
      lockProbe: async () =>
        locking.runOutsideLocks(async () =>
          locking.tryAcquire(probeKeyOf(name), { expire: PROBE_LEASE, renew: true, provider }),
        ),
      takeTurn: async (change) =>
        locking.runOutsideLocks(async () =>
          locking.execute(turnKeyOf(name), change, { expire: PROBE_LEASE, timeout: LONGEST_TURNS, provider }),
        ),
      onFailed: (error) => {
        if (!this.locking.isClosing) this.failures.add(storeFailed(name, error));
      },
      onListenerFailed: (error) => {
        this.logger.error(listenerFailed(name, error));
      },
      onChanged: ({ state, scope }) => {
        if (state === 'open') this.changes.add(changed(name, state, scope));
        else this.logger.log(changed(name, state, scope));
      },
    });
    this.circuits.set(id, circuit);
    return circuit;
  }

  private forgetIdle(): void {
    for (const [id, circuit] of this.circuits) {
      if (!circuit.isIdle) continue;
      circuit.close();
      this.circuits.delete(id);
    }
    this.sweepAt = Math.max(MANY_CIRCUITS, 2 * this.circuits.size);
  }
}
