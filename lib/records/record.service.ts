import { Logger } from '@nestjs/common';
import { parseDuration } from '../engine/options/duration.js';
import { inNeutralContext } from '../engine/runtime/neutral-context.js';
import { LockConfigurationError } from '../errors/index.js';
import type { LockTransaction, ProviderChoice } from '../interfaces/index.js';
import type { LockingRegistry } from '../module/locking.registry.js';
import { isRecordStore, type RecordStore } from '../provider-api/index.js';
import { hasTransactionalRecords } from '../provider-api/transactional-records.js';
import { assertRecordName, toCondition } from './check-record.js';
import { toChange, toRecord, toWrite } from './record-requests.js';
import { RecordWatches } from './record-watches.js';
import type {
  DeleteRecordOptions,
  LockRecord,
  RecordCalls,
  RecordChange,
  WriteRecordOptions,
} from './record.interface.js';
import { listenerFailed, noRecords, noTransactions, notATransaction } from './record.messages.js';
import { recordsWithin } from './records-within.js';

const KEEP_TOKEN_FOR = '24h';

/** A store of records, and the way to call it. */
interface Access {
  readonly store: RecordStore;
  readonly call: <T>(action: string, name: string, request: (store: RecordStore) => Promise<T>) => Promise<T>;
}

/**
 * Small values beside the locks, in the same store: what a job has to leave behind for the next holder of its lock. A
 * write carries the fencing token of the lock, and the store refuses it once a later holder has written.
 *
 * Kept by memory, Redis (one server, Sentinel, Cluster) and PostgreSQL; not by a quorum. What a store loses with its last
 * writes, it loses of records as well.
 *
 * Every call may throw `LockKeyError` for an unusable name, `LockConfigurationError` for options or values that cannot
 * work and for a provider without records, and `LockBackendError` when the store cannot be asked.
 *
 * @example
 * await locking.execute('import', async (lock) => {
 *   const last = await records.read<{ page: number }>('import/position');
 *   for (let page = last?.value.page ?? 0; page < pages; page += 1) {
 *     await importPage(page);
 *     const { changed } = await records.write('import/position', { page: page + 1 }, { token: lock.fencingToken, ttl: null });
 *     if (!changed) throw new Error('another instance goes on with the import');
 *   }
 * });
 */
export class RecordService {
  private readonly watches = new WeakMap<RecordStore, RecordWatches>();

  /** @internal */
  constructor(private readonly registry: LockingRegistry) {}

  /**
   * The record of this name; `null` if there is none.
   *
   * @example
   * const position = await records.read<{ page: number }>('import/position');
   */
  async read<T>(name: string, options: ProviderChoice = {}): Promise<LockRecord<T> | null> {
    assertRecordName(name);
    const found = await this.open(options).call('read', name, async (store) => store.readRecords([name]));
    return found[0] ? toRecord<T>(found[0]) : null;
  }

  /**
   * Writes the record, unless a greater token has written or deleted it or it has another version than `ifVersion`. The
   * value is JSON of at most 256 KiB (`maxSize`).
   *
   * @param options - `ttl` (required; `null` keeps it for ever), `token`, `ifVersion`, `maxSize`, `provider`
   * @returns whether it was written; if not, why, and the record that stands
   *
   * @example
   * const { changed } = await records.write('report/42', { state: 'done' }, { token: lock.fencingToken, ttl: '24h' });
   */
  async write<T>(name: string, value: T, options: WriteRecordOptions): Promise<RecordChange<T>> {
    const request = toWrite(name, value, options);
    const answer = await this.open(options).call('write', name, async (store) => store.writeRecord(request));
    return toChange<T>(answer, request.version);
  }

  /**
   * Deletes the record under the conditions of {@link write}. Its token is remembered for `keepTokenFor`, so that a former
   * holder does not write it anew. A record that is not there counts as deleted.
   *
   * @param options - `token`, `ifVersion`, `keepTokenFor` (default `'24h'`), `provider`
   *
   * @example
   * await records.delete('import/position', { token: lock.fencingToken });
   */
  async delete<T>(name: string, options: DeleteRecordOptions = {}): Promise<RecordChange<T>> {
    const keepTokenFor = parseDuration(options.keepTokenFor ?? KEEP_TOKEN_FOR, 'keepTokenFor');
    const request = { ...toCondition(name, options), keepTokenFor };
    const answer = await this.open(options).call('delete', name, async (store) => store.deleteRecord(request));
    return toChange<T>(answer, null);
  }

  /**
   * Goes through all records whose name begins with `prefix`, in no order and without blocking the store. A record that is
   * written or deleted meanwhile may or may not be seen.
   *
   * @example
   * for await (const { name, age } of records.list('import/')) console.log(name, age);
   */
  async *list<T>(prefix: string, options: ProviderChoice = {}): AsyncGenerator<LockRecord<T>> {
    assertRecordName(prefix, true);
    const { store, call } = this.open(options);
    const found = store.listRecords(prefix)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await call('list', prefix, async () => found.next());
        if (next.done) return;
        yield toRecord<T>(next.value);
      }
    } finally {
      // Not awaited: a store that has fallen silent would hold up its caller here.
      void found.return?.().catch(() => undefined);
    }
  }

  /**
   * Calls `listener` when the record of this name was written or deleted, by any process, and when that may have been
   * missed. Messages come within milliseconds, but they may be late, or come twice: read the record then, and now and then
   * without a message. What a listener throws is logged.
   *
   * @returns a function that ends the watch
   *
   * @example
   * const unwatch = await records.watch('settings', () => void reload());
   */
  async watch(name: string, listener: () => void, options: ProviderChoice = {}): Promise<() => void> {
    assertRecordName(name);
    const { store, call } = this.open(options);
    let watches = this.watches.get(store);
    if (!watches) this.watches.set(store, (watches = new RecordWatches(logFailed)));
    const all = watches;
    const unwatch = all.add(name, listener);
    const opened = (all.opened ??= call('watch', name, async () => store.watchRecords?.(all)));
    try {
      await opened;
    } catch (error) {
      if (all.opened === opened) all.opened = undefined;
      unwatch();
      throw error;
    }
    return unwatch;
  }

  /**
   * @internal
   * @returns the id of the provider, the same for all names of it
   * @throws LockConfigurationError for a provider that keeps no records
   */
  assertOffered(provider?: string): string {
    this.open({ provider });
    return this.registry.resolveId(provider);
  }

  /**
   * @internal The calls in a transaction of the application: what they write stands once that is committed.
   *
   * @throws LockConfigurationError for a store that is not in the transaction's database, and for what is no transaction
   */
  async within(transaction: LockTransaction, name: string, options: ProviderChoice): Promise<RecordCalls> {
    const { store, call } = this.open(options);
    if (!hasTransactionalRecords(store)) {
      const id = this.registry.resolveId(options.provider);
      throw new LockConfigurationError(noTransactions(id, store.storeName ?? store.constructor.name));
    }
    if (typeof (transaction as Partial<LockTransaction> | null)?.query !== 'function') {
      throw new LockConfigurationError(notATransaction());
    }
    return recordsWithin(name, async () => store.recordsIn(transaction), call);
  }

  private open({ provider }: ProviderChoice): Access {
    const { store, ask } = this.registry.access(provider);
    const id = this.registry.resolveId(provider);
    if (!isRecordStore(store))
      throw new LockConfigurationError(noRecords(id, store.storeName ?? store.constructor.name));
    return {
      store,
      call: async (action, name, request) => ask(`${action} the record`, [name], async () => request(store)),
    };
  }
}

const logger = new Logger('LockingModule');

function logFailed(name: string, error: unknown): void {
  inNeutralContext(() => {
    logger.error(listenerFailed(name, error));
  });
}
