import { Logger } from '@nestjs/common';
import type { Clock } from './engine/clock.js';
import { notDrained } from './engine/engine.messages.js';
import { LockEngine } from './engine/lock-engine.js';
import { inNeutralContext } from './engine/neutral-context.js';
import { LockBackendError, LockConfigurationError } from './errors/index.js';
import type { LockingModuleOptions, LockingProvider } from './interfaces/index.js';
import { CONNECT_TIMEOUT } from './locking.constants.js';
import { closeFailed, connected, failedFast, noAnswer, notConnected, unknownProvider } from './locking.messages.js';
import { normalizeProviderId, readModuleOptions, type ProviderPlan } from './read-module-options.js';

interface Entry {
  readonly plan: ProviderPlan;
  readonly provider: LockingProvider;
  readonly engine: LockEngine;
}

/** The providers of one application, each with its engine, from start-up to shutdown. */
export class LockingRegistry {
  private readonly logger = new Logger('LockingModule');
  private readonly entries = new Map<string, Entry>();
  private readonly defaultId: string;

  /** @throws LockConfigurationError before anything is connected */
  constructor(options: LockingModuleOptions, clock?: Clock) {
    const plans = readModuleOptions(options);
    for (const plan of plans) {
      const provider = new plan.resolve(plan.options as never, {
        id: plan.id,
        warn: (message) => {
          inNeutralContext(() => {
            this.logger.warn(message);
          });
        },
      });
      this.entries.set(plan.id, { plan, provider, engine: new LockEngine(provider, plan.settings, clock) });
    }
    this.defaultId = plans.find(({ isDefault }) => isDefault)?.id ?? '';
  }

  /** The id under which a provider is known that a call names (or, without a name, of the default provider). */
  resolveId(id: string = this.defaultId): string {
    return normalizeProviderId(id);
  }

  /** @throws LockConfigurationError when no provider has this id */
  engine(id?: string): LockEngine {
    const entry = this.entries.get(this.resolveId(id));
    if (!entry) throw new LockConfigurationError(unknownProvider(this.resolveId(id), [...this.entries.keys()]));
    return entry.engine;
  }

  /** @throws LockBackendError when a store is down whose provider is to fail fast */
  async connect(): Promise<void> {
    try {
      await Promise.all([...this.entries.values()].map(async (entry) => this.connectOne(entry)));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** No new locks, no more waiting, running jobs drained, everything held released. */
  async drain(): Promise<void> {
    await Promise.all(
      [...this.entries.values()].map(async ({ plan: { id, settings }, engine }) => {
        try {
          const unfinished = await engine.close();
          if (unfinished > 0) this.logger.warn(notDrained(unfinished, settings));
        } catch (error) {
          this.logger.error(closeFailed(id, error));
        }
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.entries.values()].map(async ({ provider }) => inNeutralContext(async () => provider.close?.())),
    );
  }

  private async connectOne({ plan: { id, failFast }, provider }: Entry): Promise<void> {
    const store = provider.storeName ?? provider.constructor.name;
    const onConnected = (): void => {
      inNeutralContext(() => {
        this.logger.log(connected(store, id));
      });
    };
    // Its sockets call back for as long as the application lives.
    const opening = inNeutralContext(async () => provider.connect?.(onConnected));
    try {
      await answerWithin(opening, CONNECT_TIMEOUT);
    } catch (error) {
      if (error instanceof LockConfigurationError) throw error;
      if (failFast) throw new LockBackendError([], failedFast(store, id, error), { cause: error });
      this.logger.error(notConnected(store, id, error));
    }
  }
}

async function answerWithin(promise: Promise<void> | undefined, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(noAnswer(milliseconds)));
    }, milliseconds);
  });
  try {
    await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}
