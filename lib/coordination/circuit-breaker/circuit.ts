import { randomUUID } from 'node:crypto';
import type { Clock } from '../../engine/runtime/clock.js';
import { CircuitOpenError, LockConfigurationError } from '../../errors/index.js';
import type { Lock } from '../../interfaces/index.js';
import type { CircuitBreakerInfo } from './circuit-breaker.interface.js';
import { isOpen, isProbing, otherOptions } from './circuit-breaker.messages.js';
import { CircuitListeners, type CircuitListener } from './circuit-listeners.js';
import { newState, type CircuitRecords, type FoundState, type SharedState } from './circuit-records.js';
import { releaseProbe, takeProbe, type Probe } from './probe.js';
import { ProbeSlot } from './probe-slot.js';
import { defaultSettings, type CircuitSettings } from './read-circuit-options.js';
import { RollingCounts } from './rolling-counts.js';
import { SharedCircuit } from './shared-circuit.js';

/** What a call says of the service. `ignored`: nothing. */
export type Outcome = 'success' | 'failure' | 'ignored';

/** A call that the circuit has let through. */
export interface Permit {
  /** What the call comes to only counts in the state of the circuit in which it began. */
  readonly epoch: number;
  isOver: boolean;
  readonly probe?: Probe;
}

/** What a circuit needs of its application. */
export interface Surroundings {
  readonly name: string;
  /** This instance, among those that report. */
  readonly instance: string;
  readonly clock: Clock;
  readonly records: CircuitRecords;
  readonly lockProbe: () => Promise<Lock | null>;
  /** Calls the function while no other process is in its turn to change the record. */
  readonly takeTurn: (change: () => Promise<void>) => Promise<void>;
  readonly onFailed: (error: unknown) => void;
  readonly onListenerFailed: (error: unknown) => void;
  readonly onChanged: (info: CircuitBreakerInfo) => void;
}

/** How long a call waits for the first word of the store, and a probe for one that was silent; in milliseconds. */
const PATIENCE = 500;

/** Between two tries of this process to have its call be the probe, in milliseconds. */
const PROBE_PAUSE = 500;

const inSeconds = (milliseconds: number): number => Math.ceil(milliseconds / 1000);

/** One circuit, in one process. */
export class Circuit {
  private readonly shared: SharedCircuit;
  private readonly listeners: CircuitListeners;
  private settings?: CircuitSettings;
  private counts: RollingCounts;
  private epoch = 0;
  /** Until when this instance has the circuit open for itself alone. */
  private openHereUntil?: number;
  private readonly probing: ProbeSlot;
  private probeAfter = 0;
  private active = 0;
  private started?: Promise<unknown>;

  constructor(private readonly around: Surroundings) {
    const { name, records, clock, takeTurn, onFailed, onListenerFailed } = around;
    this.counts = this.newCounts();
    this.shared = new SharedCircuit(name, records, clock, takeTurn, this.onKnown, onFailed);
    this.probing = new ProbeSlot(clock, this.shared);
    this.listeners = new CircuitListeners(clock, () => void this.shared.refresh(), onListenerFailed);
  }

  /** @throws LockConfigurationError where others have given this circuit other options */
  configure(settings: CircuitSettings): void {
    if (!this.settings) {
      this.settings = settings;
      this.counts = this.newCounts();
    } else if (JSON.stringify(this.settings) !== JSON.stringify(settings)) {
      throw new LockConfigurationError(otherOptions(this.around.name, this.settings, settings));
    }
  }

  get openFor(): number {
    return this.rules.openFor;
  }

  /** Whether nothing is lost if this process forgets the circuit. */
  get isIdle(): boolean {
    const isUsed = this.active > 0 || this.listeners.size > 0 || this.counts.get().calls > 0;
    return !isUsed && this.info().state === 'closed';
  }

  /** @throws CircuitOpenError where the call is not to be made */
  async enter(): Promise<Permit> {
    this.active += 1;
    try {
      await this.start();
      return await this.admit();
    } catch (error) {
      this.active -= 1;
      throw error;
    }
  }

  /** The end of a call. It acts at once; the promise is that of the store, and never rejects. */
  async leave(permit: Permit, outcome: Outcome): Promise<void> {
    if (permit.isOver) return;
    permit.isOver = true;
    this.active -= 1;
    const isCurrent = permit.epoch === this.epoch;
    const { probe } = permit;
    if (!probe) {
      if (isCurrent) await this.count(outcome);
      return;
    }
    // Another state has been set since: the call is no probe any more.
    if (!this.probing.end(probe)) return;
    const sharing = outcome === 'ignored' ? undefined : this.endProbe(probe.change, outcome);
    this.tell();
    await sharing;
    await releaseProbe(probe);
  }

  /** Counts a call that was not made through this circuit. */
  async record(outcome: 'success' | 'failure'): Promise<void> {
    await this.start();
    const { state, wait } = this.situation();
    if (state === 'closed') await this.count(outcome);
    else if (wait === 0 && !this.probing.isTaken) {
      const shared = this.shared.state;
      await this.endProbe(shared.state === 'closed' ? undefined : shared.change, outcome);
    }
  }

  /** @throws LockBackendError when the store cannot be asked */
  async set(state: SharedState): Promise<void> {
    this.active += 1;
    try {
      // This instance may be open for itself in a circuit that is closed already: a new change ends that as well.
      await this.shared.change(() => state, true);
    } finally {
      this.active -= 1;
    }
  }

  async look(): Promise<CircuitBreakerInfo> {
    await this.start();
    await this.shared.refresh();
    return this.info();
  }

  async subscribe(listener: CircuitListener): Promise<() => void> {
    const end = this.listeners.add(listener);
    await this.start();
    await this.shared.watch();
    return end;
  }

  info(): CircuitBreakerInfo {
    const { state, scope, wait } = this.situation();
    return {
      name: this.around.name,
      state,
      scope,
      retryAfter: inSeconds(wait),
      ...this.counts.get(),
      instances: this.shared.state.reports.length,
      storeReached: this.shared.isReached,
    };
  }

  close(): void {
    this.probing.close();
    this.shared.close();
    this.listeners.close();
  }

  private get rules(): CircuitSettings {
    return this.settings ?? defaultSettings();
  }

  /** Where the circuit stands, and for how many milliseconds no call is let through. */
  private situation(): Pick<CircuitBreakerInfo, 'state' | 'scope'> & { readonly wait: number } {
    const now = this.around.clock.now();
    const { state } = this.shared.state;
    const here = state === 'closed' ? this.openHereUntil : undefined;
    if (state === 'closed' && here === undefined) return { state, scope: 'shared', wait: 0 };
    const scope = here === undefined ? 'shared' : 'instance';
    const wait = here === undefined ? this.shared.openFor : Math.max(0, here - now);
    if (wait > 0) return { state: 'open', scope, wait };
    if (!this.probing.isTaken && state !== 'half-open') return { state: 'open', scope, wait: 0 };
    return { state: 'half-open', scope, wait: this.probing.isTaken ? PROBE_PAUSE : Math.max(0, this.probeAfter - now) };
  }

  private async start(): Promise<void> {
    if (!this.started) {
      void this.shared.watch();
      this.started = this.soon(this.shared.refresh());
    }
    await this.started;
    this.shared.refreshIfOld();
  }

  private admit(): Permit | Promise<Permit> {
    const { name, clock } = this.around;
    const { state, scope, wait } = this.situation();
    if (state === 'closed') return { epoch: this.epoch, isOver: false };
    if (state === 'open' && wait > 0) {
      throw new CircuitOpenError(name, state, inSeconds(wait), isOpen(name, Math.ceil(wait), scope === 'shared'));
    }
    if (this.probing.isTaken || clock.now() < this.probeAfter) throw this.halfOpen();
    return this.beProbe(scope);
  }

  private async beProbe(scope: CircuitBreakerInfo['scope']): Promise<Permit> {
    const { shared } = this;
    const { clock, lockProbe, onFailed } = this.around;
    const probe = await this.probing.ask(async () =>
      scope === 'instance'
        ? { lock: undefined, change: undefined, before: shared.state.change }
        : takeProbe({ shared, lockProbe, onFailed, soon: async (answer) => this.soon(answer) }),
    );
    if (probe === 'taken') {
      this.probeAfter = clock.now() + PROBE_PAUSE;
      void shared.refresh();
      throw this.halfOpen();
    }
    if (probe === 'changed') return this.admit();
    const permit = { epoch: this.epoch, isOver: false, probe };
    const { probeTimeout } = this.rules;
    if (!this.probing.begin(probe, probeTimeout, () => void this.leave(permit, 'failure'))) return this.admit();
    this.tell();
    return permit;
  }

  private halfOpen(): CircuitOpenError {
    const { name } = this.around;
    return new CircuitOpenError(name, 'half-open', inSeconds(PROBE_PAUSE), isProbing(name, PROBE_PAUSE));
  }

  private async count(outcome: Outcome): Promise<void> {
    if (outcome === 'ignored') return;
    this.counts.add(outcome === 'failure');
    const { calls, failures } = this.counts.get();
    const { minimumCalls, failureRatio } = this.rules;
    if (calls >= minimumCalls && failures / calls >= failureRatio) await this.openHere();
  }

  /** @param change - what stands for the probe in the store; `undefined` where only this instance is open */
  private async endProbe(change: string | undefined, outcome: 'success' | 'failure'): Promise<void> {
    if (change === undefined) return outcome === 'failure' ? this.openHere() : this.closeHere();
    const next = outcome === 'failure' ? newState('open', this.rules.openFor) : newState('closed');
    this.shared.assume(next);
    await this.share((found) => (found.change === change ? next : undefined));
  }

  /** Opens the circuit for this instance; for all, if enough instances have. */
  private async openHere(): Promise<void> {
    const { instance, clock } = this.around;
    const { openFor, window, minInstances } = this.rules;
    const { change } = this.shared.state;
    const report = { instance, id: randomUUID(), age: 0, lasts: openFor + window };
    this.openHereUntil = clock.now() + openFor;
    this.begin();
    await this.share((found) => {
      // The calls that failed were made in a state that is over.
      if (found.state !== 'closed' || found.change !== change) return undefined;
      const reports = [...found.reports.filter((one) => one.instance !== instance), report];
      if (reports.length >= minInstances) return newState('open', openFor);
      return { state: found.state, change: found.change, openFor: 0, reports };
    });
  }

  private async closeHere(): Promise<void> {
    const { instance } = this.around;
    this.openHereUntil = undefined;
    this.begin();
    await this.share(({ state, change, reports }) => {
      if (state !== 'closed' || !reports.some((one) => one.instance === instance)) return undefined;
      return { state, change, openFor: 0, reports: reports.filter((one) => one.instance !== instance) };
    });
  }

  private async share(next: (found: FoundState) => SharedState | undefined): Promise<void> {
    try {
      await this.shared.change(next);
    } catch (error) {
      this.around.onFailed(error);
    }
  }

  /** What calls come to that began before does not count any more. */
  private begin(): void {
    this.epoch += 1;
    this.counts.clear();
    this.tell();
  }

  private readonly onKnown = (before: FoundState): void => {
    this.probing.endIfOver();
    if (before.change !== this.shared.state.change) {
      this.openHereUntil = undefined;
      this.probeAfter = 0;
      this.begin();
    } else this.tell();
  };

  private tell(): void {
    const info = this.info();
    if (this.listeners.tell(info)) this.around.onChanged(info);
  }

  private newCounts(): RollingCounts {
    return new RollingCounts(this.rules.window, () => this.around.clock.now());
  }

  /** Resolves with what `answer` does, or with `false` if that takes too long for a caller. */
  private async soon(answer: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.around.clock.setTimer(
        () => {
          resolve(false);
        },
        PATIENCE,
        true,
      );
      void answer.then((isReached) => {
        timer.cancel();
        resolve(isReached);
      });
    });
  }
}
