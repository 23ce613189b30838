import { LockConfigurationError } from '../../errors/index.js';
import type { LockTransaction } from '../../interfaces/index.js';
import type { RecordAnswer, RecordWrite, StoredRecord } from '../../provider-api/index.js';
import type { RecordsInTransaction } from '../../provider-api/transactional-records.js';
import { isReadCommitted, rowsIn } from './assert-held.js';
import { malformedAnswer } from './postgres-errors.js';
import { toRecord } from './postgres-records.js';
import { cannotSaveAt, noTransactionOpen, otherDatabase } from './postgres.messages.js';
import { encodeText } from './text-codec.js';

/** Which server and database a connection leads to. */
const PLACE = `json_build_array(floor(extract(epoch FROM pg_postmaster_start_time()) * 1000)::text, current_database())::text`;

/** A statement changes nothing once the transaction that it was meant for has ended, though its connection still serves. */
const IN_TRANSACTION = `txid_current()::text = r ->> 'number'`;

/** The records of a provider. */
interface Place {
  /** Of the provider. */
  readonly id: string;
  /** Quoted. */
  readonly schema: string;
  readonly namespace: string;
  /** Runs a statement of the provider's own. */
  readonly query: (sql: string, parameters: readonly string[]) => Promise<readonly Record<string, unknown>[]>;
}

/**
 * Records in a transaction of the application. Each request is one statement with one parameter, a JSON text, and answers with
 * texts: every driver and ORM can carry it.
 *
 * Not by the functions of the provider's own commands: `change_record` takes an advisory lock to find out whether a process
 * watches, which would last as long as the transaction.
 */
export class TransactionRecords implements RecordsInTransaction {
  private constructor(
    private readonly transaction: LockTransaction,
    private readonly place: Place,
    /** The transaction's own number. */
    private readonly number: string,
  ) {}

  /** @throws LockConfigurationError for a transaction of another database, or at another isolation level */
  static async open(transaction: LockTransaction, place: Place): Promise<TransactionRecords> {
    // Asked in a way that fails nowhere: an error would end the transaction, and say less.
    const sql = `SELECT ${PLACE} AS place, current_setting('transaction_isolation') AS isolation,
      (CASE WHEN pg_is_in_recovery() THEN '' ELSE txid_current()::text END) AS number,
      (to_regclass($1) IS NOT NULL)::text AS known`;
    const [found] = await rowsIn(transaction, sql, [`${place.schema}.record`], 'recordsIn');
    const { place: there, isolation, number, known } = found ?? {};
    if (typeof number !== 'string') throw malformedAnswer('recordsIn');
    const [here] = await place.query(`SELECT ${PLACE} AS place`, []);
    if (known !== 'true' || number === '' || there !== here?.place) {
      throw new LockConfigurationError(otherDatabase(place.id));
    }
    if (!isReadCommitted(isolation)) throw new LockConfigurationError(cannotSaveAt(place.id, String(isolation)));
    return new TransactionRecords(transaction, place, number);
  }

  async read(names: readonly string[]): Promise<(StoredRecord | null)[]> {
    const { schema } = this.place;
    const sql = `SELECT txid_current()::text AS number, (
        SELECT jsonb_agg(${schema}.describe_record_v1(r ->> 'namespace', name) ORDER BY n)
        FROM jsonb_array_elements_text(r -> 'names') WITH ORDINALITY AS t (name, n)
      )::text AS answer
      FROM (SELECT $1::text::jsonb AS r) AS request`;
    const found: unknown = JSON.parse(await this.ask(sql, { names: names.map(encodeText) }));
    if (!Array.isArray(found) || found.length !== names.length) throw malformedAnswer('recordsIn');
    return names.map((name, index) => toRecord(name, found[index]));
  }

  /** As `change_record` does. */
  async write(request: RecordWrite): Promise<RecordAnswer> {
    const { schema } = this.place;
    const { name, token, ifVersion, version, value, ttl } = request;
    // A record that has expired is none, whatever its token.
    const sql = `WITH request AS (SELECT $1::text::jsonb AS r),
      asked AS (
        SELECT r ->> 'namespace' AS namespace, r ->> 'name' AS name, r ->> 'value' AS value, r ->> 'version' AS version,
          (r ->> 'token')::bigint AS token, ${schema}.end_v1(clock_timestamp(), (r ->> 'ttl')::float8) AS until,
          (r ->> 'conditional')::boolean AS conditional, r ->> 'condition' AS condition
        FROM request WHERE ${IN_TRANSACTION}
      ),
      written AS (
        INSERT INTO ${schema}.record AS o (namespace, name, value, version, token, written, until)
        SELECT namespace, name, value, version, token, clock_timestamp(), until FROM asked
        WHERE NOT conditional OR condition IS NULL OR EXISTS (
          SELECT FROM ${schema}.record AS e
          WHERE e.namespace = asked.namespace AND e.name = asked.name AND e.until > clock_timestamp()
        )
        ON CONFLICT (namespace, name) DO UPDATE SET
          value = excluded.value, version = excluded.version, token = excluded.token, written = excluded.written,
          until = excluded.until
        WHERE o.version = excluded.version
          OR ((o.until <= clock_timestamp() OR o.token <= excluded.token) AND (
            NOT (SELECT conditional FROM asked)
            OR (CASE WHEN o.until > clock_timestamp() THEN o.version END) IS NOT DISTINCT FROM (SELECT condition FROM asked)
          ))
        RETURNING namespace, name
      )
      SELECT txid_current()::text AS number, jsonb_build_array(
        (SELECT count(*) FROM written),
        (SELECT count(pg_notify(${schema}.channel_v1(namespace, ':records'), name)::text) FROM written)
      )::text AS answer`;
    const answer = JSON.parse(
      await this.ask(sql, {
        name: encodeText(name),
        token,
        conditional: ifVersion !== undefined,
        condition: ifVersion ?? null,
        version,
        value,
        ttl,
      }),
    ) as unknown[];
    if (answer[0] === 1) return { changed: true };
    const [record = null] = await this.read([name]);
    return { changed: false, reason: (await this.tokenOf(name)) > token ? 'token' : 'version', record };
  }

  async remove(name: string, token: number): Promise<void> {
    const { schema } = this.place;
    const sql = `WITH request AS (SELECT $1::text::jsonb AS r),
      deleted AS (
        UPDATE ${schema}.record AS o SET value = NULL, version = NULL, written = clock_timestamp(), until = clock_timestamp()
        FROM request
        WHERE ${IN_TRANSACTION}
          AND o.namespace = r ->> 'namespace' AND o.name = r ->> 'name' AND o.token <= (r ->> 'token')::bigint
        RETURNING 1
      )
      SELECT txid_current()::text AS number, count(*)::text AS answer FROM deleted`;
    await this.ask(sql, { name: encodeText(name), token });
  }

  /** The token that refuses smaller ones, also of a record that was deleted. */
  private async tokenOf(name: string): Promise<number> {
    const sql = `SELECT txid_current()::text AS number, coalesce((
        SELECT token FROM ${this.place.schema}.record AS o
        WHERE o.namespace = r ->> 'namespace' AND o.name = r ->> 'name' AND o.until > clock_timestamp()
      ), 0)::text AS answer
      FROM (SELECT $1::text::jsonb AS r) AS request`;
    return Number(await this.ask(sql, { name: encodeText(name) }));
  }

  /** @throws LockConfigurationError where each statement is a transaction of its own */
  private async ask(sql: string, request: Record<string, unknown>): Promise<string> {
    const { transaction, place } = this;
    const parameter = JSON.stringify({ namespace: encodeText(place.namespace), number: this.number, ...request });
    const [row] = await rowsIn(transaction, sql, [parameter], 'recordsIn');
    if (row?.number !== this.number) throw new LockConfigurationError(noTransactionOpen());
    if (typeof row.answer !== 'string') throw malformedAnswer('recordsIn');
    return row.answer;
  }
}
