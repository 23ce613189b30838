import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import type { Clock } from '../engine/runtime/clock.js';
import type { LockOrigin } from '../diagnostics/messages.interface.js';
import { notDrained } from '../engine/engine.messages.js';
import { lockAround } from '../engine/lock/lock-context.js';
import type { LockActions } from '../engine/lock/lock-actions.js';
import { LockEngine } from '../engine/lock-engine.js';
import { defaultInstanceId } from '../engine/options/lock-names.js';
import { inNeutralContext } from '../engine/runtime/neutral-context.js';
import { LockBackendError, LockConfigurationError } from '../errors/index.js';
import type { Lock } from '../interfaces/index.js';
import type { LeaseStore } from '../provider-api/index.js';
import type { LockingModuleOptions } from './module-options.interface.js';
import { CONNECT_TIMEOUT } from './locking.constants.js';
import {
  closeFailed,
  connected,
  connectionNotClosed,
  failedFast,
  instanceCalled,
  noAnswer,
  notClosed,
  notConnected,
  unknownProvider,
} from './locking.messages.js';
import { ThrottledLog } from '../logging/throttled-log.js';
import { normalizeProviderId, readModuleOptions, type ProviderPlan } from './read-module-options.js';

interface Entry {
  readonly plan: ProviderPlan;
  readonly provider: LeaseStore;
  readonly engine: LockEngine;
}

/** Of how many locks that were dropped without a release a warning is logged in 10 s; of the others their number is. */
const MOST_DROPPED_SHOWN = 10;

/** The same of locks that are waited for or held for long. */
const MOST_SLOW_SHOWN = 10;

/** What closing a connection may take at least, in milliseconds, when `drainTimeout` is used up. */
const SHORTEST_CLOSING = 200;

/** The providers of one application, each with its engine, from start-up to shutdown. */
export class LockingRegistry {
  /** Tells the messages of this application from those of others in the process. */
  readonly application = randomBytes(9).toString('base64url');

  /** The name of this instance of the application. */
  readonly instanceId: string;

  private readonly logger = new Logger('LockingModule');
  private readonly entries = new Map<string, Entry>();
  private readonly defaultId: string;
  private draining?: Promise<void>;
  private closing?: Promise<void>;

  /** How long the shutdown has taken until now, in milliseconds; not counted is what others do in between. */
  private spent = 0;

  /** @throws LockConfigurationError before anything is connected */
  constructor(options: LockingModuleOptions, clock?: Clock) {
    const plans = readModuleOptions(options);
    this.instanceId = options.instanceId ?? defaultInstanceId();
    const slow = new ThrottledLog(this.warn, MOST_SLOW_SHOWN);
    const warnOfSlow = (message: string): void => {
      slow.add(message);
    };
    for (const plan of plans) {
      const provider = new plan.resolve(plan.options, { id: plan.id, warn: this.warn });
      // Thousands of locks may be dropped at once.
      const dropped = new ThrottledLog(this.warn, MOST_DROPPED_SHOWN);
      // On a clock moved by hand a test says what happens, not the garbage collector.
      const warnOfDropped = (message: string): void => {
        dropped.add(message);
      };
      const origin = { application: this.application, provider: plan.id };
      const engine = new LockEngine(
        provider,
        plan.settings,
        clock,
        clock ? undefined : warnOfDropped,
        origin,
        this.instanceId,
        warnOfSlow,
      );
      this.entries.set(plan.id, { plan, provider, engine });
    }
    this.defaultId = plans.find(({ isDefault }) => isDefault)?.id ?? '';
  }

  /** The id under which a provider is known that a call names (or, without a name, of the default provider). */
  resolveId(id: string = this.defaultId): string {
    return normalizeProviderId(id);
  }

  /** What messages about the locks of a provider name as their source. */
  origin(id?: string): LockOrigin {
    return { application: this.application, provider: this.resolveId(id) };
  }

  /** The ids of all providers, each with its engine. */
  engines(): { readonly id: string; readonly engine: LockEngine }[] {
    return [...this.entries].map(([id, { engine }]) => ({ id, engine }));
  }

  /** The ids of all providers, the default one first. */
  get providerIds(): readonly string[] {
    return [this.defaultId, ...[...this.entries.keys()].filter((id) => id !== this.defaultId)];
  }

  /** @throws LockConfigurationError when no provider has this id */
  engine(id?: string): LockEngine {
    const entry = this.entries.get(this.resolveId(id));
    if (!entry) throw new LockConfigurationError(unknownProvider(this.resolveId(id), [...this.entries.keys()]));
    return entry.engine;
  }

  /**
   * The store of a provider, and the way to ask it: in bounded time, and with a {@link LockBackendError} for a failure.
   *
   * @throws LockConfigurationError when no provider has this id
   */
  access(id?: string): { readonly store: LeaseStore; readonly ask: LockEngine['ask'] } {
    const engine = this.engine(id);
    return { store: engine.provider, ask: async (action, keys, call) => engine.ask(action, keys, call) };
  }

  /** The innermost lock of the running call chain that covers `key`: of this provider, or of any of this application. */
  lockAround(key: string, provider: string | undefined): Lock | undefined {
    const engines = provider === undefined ? this.engines().map(({ engine }) => engine) : [this.engine(provider)];
    return lockAround(key, engines);
  }

  /** Gives every engine a way to make the checkpoints of its locks, by the id of its provider. */
  provideCheckpoints(make: (provider: string) => LockActions['makeCheckpoints']): void {
    for (const [id, { engine }] of this.entries) engine.actions.makeCheckpoints = make(id);
  }

  /** @throws LockBackendError when a store is down whose provider is to fail fast */
  async connect(): Promise<void> {
    this.logger.log(instanceCalled(this.instanceId));
    try {
      await Promise.all([...this.entries.values()].map(async (entry) => this.connectOne(entry)));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The `drainTimeout` of a provider, in milliseconds. */
  drainTimeout(id?: string): number {
    return this.engine(id).settings.drainTimeout;
  }

  /** Whether `drain` has been called. */
  get isClosing(): boolean {
    return this.draining !== undefined;
  }

  /** Part of the shutdown took so many milliseconds already: they are not left for what is still to come. */
  spend(milliseconds: number): void {
    this.spent += milliseconds;
  }

  /** No new locks, no more waiting, running jobs drained, everything held released. Called again, the same drain. */
  async drain(): Promise<void> {
    this.draining ??= this.timed(async () => this.each(async (entry) => this.drainOne(entry)));
    return this.draining;
  }

  /** Closes the connections, each in bounded time. Called again, the same end. */
  async close(): Promise<void> {
    this.closing ??= this.each(async (entry) => this.closeOne(entry));
    return this.closing;
  }

  private readonly warn = (message: string): void => {
    inNeutralContext(() => {
      this.logger.warn(message);
    });
  };

  private async drainOne({ plan: { id, settings }, engine }: Entry): Promise<void> {
    const { unfinished, failure } = await engine.close(this.spent);
    if (unfinished > 0) this.logger.warn(notDrained(unfinished, settings));
    if (failure) this.logger.error(closeFailed(id, failure));
  }

  private async closeOne({ plan: { id, settings }, provider }: Entry): Promise<void> {
    const left = settings.drainTimeout - this.spent;
    const time = Math.round(Math.min(Math.max(left, SHORTEST_CLOSING), CONNECT_TIMEOUT));
    try {
      await answerWithin(
        inNeutralContext(async () => provider.close()),
        time,
        notClosed(time),
      );
    } catch (error) {
      this.logger.warn(connectionNotClosed(id, error));
    }
  }

  private async each(work: (entry: Entry) => Promise<void>): Promise<void> {
    await Promise.all([...this.entries.values()].map(work));
  }

  private async timed(work: () => Promise<void>): Promise<void> {
    const since = performance.now();
    await work();
    this.spend(performance.now() - since);
  }

  private async connectOne({ plan: { id, failFast }, provider, engine }: Entry): Promise<void> {
    const store = provider.storeName ?? provider.constructor.name;
    const onConnected = (): void => {
      inNeutralContext(() => {
        this.logger.log(connected(store, id));
      });
    };
    // Its sockets call back for as long as the application lives.
    const onReplaced = (): void => {
      inNeutralContext(() => {
        engine.replacement.mend();
      });
    };
    const opening = inNeutralContext(async () => provider.connect?.(onConnected, onReplaced));
    try {
      await answerWithin(opening, CONNECT_TIMEOUT, noAnswer(CONNECT_TIMEOUT));
    } catch (error) {
      if (error instanceof LockConfigurationError) throw error;
      if (failFast) throw new LockBackendError([], failedFast(store, id, error), { cause: error });
      this.logger.error(notConnected(store, id, error));
    }
  }
}

async function answerWithin(
  promise: Promise<void> | undefined,
  milliseconds: number,
  otherwise: string,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(otherwise));
    }, milliseconds);
  });
  try {
    await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}
