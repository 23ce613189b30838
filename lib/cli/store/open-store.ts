import { systemClock } from '../../engine/runtime/system-clock.js';
import { listLeases } from '../../engine/hold/lease-view.js';
import { StoreCalls } from '../../engine/store/store-calls.js';
import { isLockBackendError, isLockConfigurationError } from '../../errors/index.js';
import { remedyOf } from '../../errors/remedy.js';
import { lockingOptionsFromEnv } from '../../module/environment/locking-options-from-env.js';
import { CONNECT_TIMEOUT } from '../../module/locking.constants.js';
import { readModuleOptions } from '../../module/read-module-options.js';
import type { LeaseStore, StoredLease } from '../../provider-api/index.js';
import { isOperable, type OperableStore } from '../../provider-api/operable-store.js';
import { InMemoryLockingProvider } from '../../providers/memory/in-memory-locking.provider.js';
import { PostgresLockingProvider } from '../../providers/postgres/postgres-locking.provider.js';
import { noStore, notReached, notSupported, silentStore } from '../cli.messages.js';
import { CommandError, EXIT } from '../exit-code.js';
import { describeStore } from './describe-store.js';

/** No command waits longer for connections to close, in milliseconds. */
const CLOSE_TIMEOUT = 1000;

/** The store of an application, opened without it. Every call takes bounded time and fails with a {@link CommandError}. */
export class OpenStore {
  private readonly calls: StoreCalls;

  private constructor(
    readonly store: OperableStore,
    /** Where it is, without a secret. */
    readonly description: string,
  ) {
    this.calls = new StoreCalls(store, systemClock);
  }

  /**
   * Connects to the store that the environment names. It creates nothing there.
   *
   * @throws CommandError when there is none, or it cannot be used
   */
  static async connect(
    env: Readonly<Record<string, string | undefined>>,
    warn: (message: string) => void,
  ): Promise<OpenStore> {
    const [plan] = readModuleOptions(lockingOptionsFromEnv(env));
    if (!plan || plan.resolve === InMemoryLockingProvider) throw new CommandError(noStore(), EXIT.misuse);
    const isPostgres = plan.resolve === PostgresLockingProvider;
    const options = isPostgres ? { ...plan.options, migrate: false } : plan.options;
    const description = describeStore(plan.options);
    const provider = new plan.resolve(options, { id: plan.id, warn });
    if (!isOperable(provider)) throw new CommandError(notSupported(description), EXIT.misuse);
    const opened = new OpenStore(provider, description);
    try {
      await within(Promise.resolve(provider.connect?.(() => undefined)), CONNECT_TIMEOUT);
    } catch (error) {
      await opened.close();
      if (isLockConfigurationError(error)) throw error;
      throw new CommandError(notReached(description, (error as Error).message, remedyOf(error)), EXIT.unreachable, {
        cause: error,
      });
    }
    return opened;
  }

  /** @throws CommandError when the store does not answer, or refuses */
  async call<T>(action: string, keys: readonly string[], ask: (store: OperableStore) => Promise<T>): Promise<T> {
    try {
      return await this.calls.run(action, keys, async () => ask(this.store));
    } catch (error) {
      throw toCommandError(error);
    }
  }

  async inspect(key: string): Promise<StoredLease | null> {
    const [lease] = await this.call('inspect', [key], async (store) => store.inspect([key]));
    return lease ?? null;
  }

  async *list(match?: string): AsyncGenerator<StoredLease> {
    try {
      yield* listLeases(this.store, this.calls, match);
    } catch (error) {
      throw toCommandError(error);
    }
  }

  async *listQueued(): AsyncGenerator<string> {
    const keys = this.store.listQueued()[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.call('list', [], async () => keys.next());
      if (next.done === true) return;
      yield next.value;
    }
  }

  async now(): Promise<number> {
    return this.call('inspect', [], async (store) => store.now());
  }

  async close(): Promise<void> {
    await within((this.store as LeaseStore).close(), CLOSE_TIMEOUT).catch(() => undefined);
  }
}

function toCommandError(error: unknown): unknown {
  if (!isLockBackendError(error)) return error;
  return new CommandError(error.message, EXIT.unreachable, { cause: error });
}

async function within(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(silentStore(milliseconds)));
    }, milliseconds);
  });
  try {
    await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}
