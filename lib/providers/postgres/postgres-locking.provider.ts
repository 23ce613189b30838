import {
  BatchedStore,
  type CancelRequest,
  type ExtendRequest,
  type FencingStore,
  type HeldKey,
  type LeaseAnswer,
  type LeaseRequest,
  type LockingProviderContext,
  type QueueingStore,
  type RecordAnswer,
  type RecordDeletion,
  type RecordListener,
  type RecordStore,
  type RecordWrite,
  type ReleaseOutcome,
  type ReleaseRequest,
  type StoredLease,
  type StoredRecord,
  type WakeUpListener,
} from '../../provider-api/index.js';
import type { ExaminationDepth, Finding, QueueEntry } from '../../provider-api/operable-store.js';
import type { RecordsInTransaction } from '../../provider-api/transactional-records.js';
import type { LockTransaction } from '../../interfaces/index.js';
import { globMatcher, literalPrefix } from '../glob.js';
import { assertHeld } from './assert-held.js';
import { CallOrder } from './call-order.js';
import { assertUsable } from './check-options.js';
import { LeaseCommands } from './lease-commands.js';
import type { PostgresLockingProviderOptions } from './postgres-options.interface.js';
import { connectionBroken, noWakeUps } from './postgres.messages.js';
import { PostgresClients } from './postgres-clients.js';
import { PostgresWakeUps } from './postgres-wake-ups.js';
import { PostgresOperations } from './postgres-operations.js';
import { PostgresRecords } from './postgres-records.js';
import { TransactionRecords } from './records-in-transaction.js';
import { NoWakeUps } from './wake-up-session.js';
import { prepareStore } from './prepare-store.js';
import { DEFAULT_SCHEMA, quoteName } from './schema-sql.js';
import { StoreConnection } from './store-connection.js';
import { Sweeper } from './sweeper.js';
import { decodeText, encodeText } from './text-codec.js';

/** As many rows are looked at for one page of a list. */
const LIST_PAGE = 1000;

/**
 * Locks across all processes that use the same PostgreSQL database, schema and namespace. Version 13 or later, with the
 * package `pg` or an ORM.
 *
 * @throws LockConfigurationError at start-up, for options, rights or settings of the server that cannot work
 *
 * @example
 * LockingModule.forRoot({
 *   providers: [
 *     { resolve: PostgresLockingProvider, options: { connectionString: 'postgres://app:secret@localhost:5432/shop' } },
 *   ],
 * });
 */
export class PostgresLockingProvider extends BatchedStore implements QueueingStore, FencingStore, RecordStore {
  /** The id of a provider of this class that names none. */
  static readonly identifier = 'locking-postgres';

  /** The options that it has beside those of every provider: any other name is refused at start-up. */
  static readonly optionNames = [
    'connectionString',
    'pool',
    'executor',
    'listenUrl',
    'schema',
    'namespace',
    'migrate',
    'unlogged',
  ];

  readonly storeName = 'PostgreSQL';

  /** As many jobs of a tenth of a millisecond take about as long as ten commits. */
  readonly cohortGrants = 256;

  private readonly schema: string;
  private readonly clients: PostgresClients;
  private readonly connection: StoreConnection;
  private readonly commands: LeaseCommands;
  private readonly order = new CallOrder();
  private readonly wakeUps: PostgresWakeUps;
  private readonly records: PostgresRecords;
  private readonly operations: PostgresOperations;
  private readonly sweeper: Sweeper;
  private onConnected: () => void = () => undefined;
  private onReplaced: () => void = () => undefined;
  private isClosed = false;
  private isUnheard = false;

  constructor(
    private readonly options: PostgresLockingProviderOptions,
    private readonly context: LockingProviderContext,
  ) {
    super();
    assertUsable(options, context.id);
    const { namespace = 'lock:', schema = DEFAULT_SCHEMA } = options;
    this.schema = schema;
    const clients = new PostgresClients(context.id, options, {
      onLost: (error) => {
        this.connection.disturbed(error);
      },
      onSuspicion: (error) => {
        this.connection.suspected(error);
      },
    });
    const { query } = clients;
    this.clients = clients;
    this.connection = new StoreConnection(clients, quoteName(schema), async () => this.prepare(), {
      connected: () => {
        this.onConnected();
      },
      replaced: () => {
        this.onReplaced();
      },
      lost: ({ message }) => {
        context.warn(connectionBroken(context.id, clients.server, message));
      },
    });
    this.commands = new LeaseCommands(namespace, this.connection.run);
    this.sweeper = new Sweeper(this.connection.run);
    this.operations = new PostgresOperations(query, schema, namespace);
    const surroundings = {
      makeClient: async () => clients.listener(),
      schema: quoteName(schema),
      namespace,
      notify: async (channel: string, payload: string) => query('SELECT pg_notify($1, $2)::text', [channel, payload]),
    };
    this.records = new PostgresRecords(this.connection.run, surroundings);
    this.wakeUps = new PostgresWakeUps({
      ...surroundings,
      findKey: async (id) => {
        const [row] = await query(`SELECT name FROM ${quoteName(schema)}.lease WHERE namespace = $1 AND key = $2`, [
          encodeText(namespace),
          id,
        ]);
        return typeof row?.name === 'string' ? decodeText(row.name) : undefined;
      },
      onUnheard: this.warnOfNoWakeUps,
    });
  }

  async connect(onConnected: () => void, onReplaced: () => void = () => undefined): Promise<void> {
    this.onConnected = onConnected;
    this.onReplaced = onReplaced;
    await this.connection.open();
    void this.lookForPooler();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.sweeper.close();
    this.wakeUps.close();
    this.records.close();
    await this.connection.close();
  }

  async listen(processId: string, listener: WakeUpListener): Promise<void> {
    await this.wakeUps.listen(processId, listener);
  }

  acquireBatch(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    this.sweeper.note();
    return this.order.send(this.commands.acquire, requests);
  }

  extendBatch(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[] {
    return this.order.send(this.commands.extend, requests);
  }

  releaseBatch(requests: readonly ReleaseRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return this.order.send(this.commands.release, requests);
  }

  cancelBatch(requests: readonly CancelRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return this.order.send(this.commands.release, requests);
  }

  async revoke(keys: readonly string[]): Promise<number> {
    return this.commands.revoke(keys);
  }

  async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    return this.commands.inspect(keys);
  }

  async *list(match = '*'): AsyncGenerator<StoredLease> {
    const matches = globMatcher(match);
    const prefix = literalPrefix(match);
    let after: string | null = null;
    do {
      const { keys, next }: { keys: string[]; next: string | null } = await this.commands.list(
        prefix,
        after,
        LIST_PAGE,
      );
      after = next;
      const found = keys.filter(matches);
      for (const lease of await this.commands.inspect(found)) if (lease) yield lease;
    } while (after !== null);
  }

  async assertIn(transaction: LockTransaction, held: readonly HeldKey[]): Promise<readonly boolean[]> {
    const { namespace = 'lock:' } = this.options;
    return assertHeld(transaction, { id: this.context.id, schema: quoteName(this.schema), namespace }, held);
  }

  async readRecords(names: readonly string[]): Promise<readonly (StoredRecord | null)[]> {
    return this.records.read(names);
  }

  async writeRecord(request: RecordWrite): Promise<RecordAnswer> {
    this.sweeper.note();
    return this.records.write(request);
  }

  async deleteRecord(request: RecordDeletion): Promise<RecordAnswer> {
    this.sweeper.note();
    return this.records.delete(request);
  }

  listRecords(prefix: string): AsyncIterable<StoredRecord> {
    return this.records.list(prefix);
  }

  async watchRecords(listener: RecordListener): Promise<void> {
    await this.records.watch(listener);
  }

  /** @internal See `TransactionalRecords`. */
  async recordsIn(transaction: LockTransaction): Promise<RecordsInTransaction> {
    const { namespace = 'lock:' } = this.options;
    const { query } = this.clients;
    return TransactionRecords.open(transaction, {
      id: this.context.id,
      schema: quoteName(this.schema),
      namespace,
      query,
    });
  }

  /** @internal See `OperableStore`. */
  async now(): Promise<number> {
    return this.operations.now();
  }

  /** @internal See `OperableStore`. */
  async readQueue(key: string): Promise<readonly QueueEntry[]> {
    return this.operations.readQueue(key);
  }

  /** @internal See `OperableStore`. */
  listQueued(): AsyncIterable<string> {
    return this.operations.listQueued();
  }

  /** @internal See `OperableStore`. */
  async revokeSeen(seen: StoredLease): Promise<boolean> {
    return this.operations.revokeSeen(seen);
  }

  /** @internal See `OperableStore`. */
  async examine(depth: ExaminationDepth): Promise<readonly Finding[]> {
    return this.operations.examine(depth);
  }

  private async prepare(): Promise<void> {
    const { migrate = true, unlogged = false } = this.options;
    const { id } = this.context;
    const warn = (message: string): void => {
      this.context.warn(message);
    };
    await prepareStore(this.clients, { id, schema: this.schema, migrate, unlogged, warn });
  }

  /** Tells at start-up, not only when first a caller has to wait. */
  private async lookForPooler(): Promise<void> {
    try {
      if (this.options.listenUrl === undefined && (await this.clients.mayBeBehindPooler())) await this.wakeUps.probe();
    } catch (error) {
      this.warnOfNoWakeUps(error as Error);
    }
  }

  /** Of an outage the connection for commands tells. */
  private readonly warnOfNoWakeUps = (error: Error): void => {
    const isForGood = error instanceof NoWakeUps || this.options.listenUrl !== undefined;
    if (this.isUnheard || this.isClosed || !isForGood) return;
    this.isUnheard = true;
    this.context.warn(noWakeUps(this.context.id, error.message));
  };
}
