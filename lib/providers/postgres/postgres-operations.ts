import type { StoredLease } from '../../provider-api/index.js';
import type { ExaminationDepth, Finding, QueueEntry } from '../../provider-api/operable-store.js';
import { findingsOf, replication, type PostgresFacts, type ReplicationFacts } from './postgres-examination.js';
import { malformedAnswer } from './postgres-errors.js';
import { quoteName, quoteText } from './schema-sql.js';
import type { StatementRunner } from './store-connection.js';
import { decodeText, encodeKey, encodeText } from './text-codec.js';

/** As many rows of the queue are read at once. */
const PAGE = 1000;

/** What operators ask of PostgreSQL. */
export class PostgresOperations {
  private readonly quoted: string;
  private readonly ns: string;

  constructor(
    private readonly query: StatementRunner['query'],
    private readonly schema: string,
    namespace: string,
  ) {
    this.quoted = quoteName(schema);
    this.ns = encodeText(namespace);
  }

  async now(): Promise<number> {
    const time = Number(await this.ask('SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS answer', []));
    if (!Number.isFinite(time)) throw malformedAnswer('clock_timestamp');
    return time;
  }

  async readQueue(key: string): Promise<readonly QueueEntry[]> {
    const sql = `SELECT coalesce(json_agg(json_build_array(
        process, owner, greatest(0, extract(epoch FROM clock_timestamp() - seen) * 1000)::float8
      ) ORDER BY place), '[]')::text AS answer
      FROM ${this.quoted}.queue WHERE namespace = $1 AND key = $2`;
    const entries = JSON.parse(await this.ask(sql, [this.ns, encodeKey(key).id])) as [string, string, number][];
    return entries.map(([process, owner, silentFor]) => ({
      processId: decodeText(process),
      ownerId: decodeText(owner),
      silentFor,
    }));
  }

  async *listQueued(): AsyncGenerator<string> {
    // The row of a hashed key in `lease` has the key.
    const sql = `SELECT coalesce(json_agg(json_build_array(page.key, coalesce(l.name, page.key)) ORDER BY page.key), '[]')::text AS answer
      FROM (
        SELECT DISTINCT key FROM ${this.quoted}.queue WHERE namespace = $1 AND key > $2 ORDER BY key LIMIT ${String(PAGE)}
      ) AS page LEFT JOIN ${this.quoted}.lease AS l ON l.namespace = $1 AND l.key = page.key`;
    for (let after: string | undefined = ''; after !== undefined;) {
      const rows = JSON.parse(await this.ask(sql, [this.ns, after])) as [string, string][];
      for (const [, name] of rows) yield decodeText(name);
      after = rows.length < PAGE ? undefined : rows.at(-1)?.[0];
    }
  }

  /** One statement: the row stays locked from the comparison to the end of the revocation. */
  async revokeSeen({ key, ownerId, fencingToken }: StoredLease): Promise<boolean> {
    const { id } = encodeKey(key);
    const sql = `WITH seen AS MATERIALIZED (
        SELECT 1 FROM ${this.quoted}.lease
        WHERE namespace = $1 AND key = $2 AND owner = $3 AND token = $4::bigint FOR NO KEY UPDATE
      ) SELECT ${this.quoted}.revoke_v1($5) AS answer FROM seen`;
    const request = JSON.stringify({ namespace: this.ns, keys: [id] });
    const rows = await this.query(sql, [this.ns, id, encodeText(ownerId), String(fencingToken), request]);
    const [row] = rows;
    if (!row) return false;
    const answer: unknown = JSON.parse(String(row.answer));
    return Array.isArray(answer) && answer[1] === 1;
  }

  async examine(depth: ExaminationDepth): Promise<readonly Finding[]> {
    const standbys = `
      'standbys', (SELECT count(*) FROM pg_stat_replication),
      'synchronous', current_setting('synchronous_standby_names'),
      'awaits', current_setting('synchronous_commit') NOT IN ('off', 'local')`;
    if (depth === 'health') {
      const answer = await this.ask(`SELECT json_build_object(${standbys})::text AS answer`, []);
      return replication(JSON.parse(answer) as ReplicationFacts);
    }
    const sql = `SELECT json_build_object(${standbys},
      'version', current_setting('server_version'),
      'schemaVersion', (SELECT version FROM ${this.quoted}.meta),
      'durable', current_setting('fsync') = 'on' AND current_setting('synchronous_commit') <> 'off',
      'connections', (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
      'mostConnections', current_setting('max_connections')::int,
      'autovacuum', current_setting('autovacuum') = 'on',
      'unlogged', (SELECT relpersistence = 'u' FROM pg_class WHERE oid = ${this.lease}),
      'rows', coalesce((SELECT n_live_tup FROM pg_stat_user_tables WHERE relid = ${this.lease}), 0),
      'dead', coalesce((SELECT n_dead_tup FROM pg_stat_user_tables WHERE relid = ${this.lease}), 0),
      'oldest', (
        SELECT extract(epoch FROM max(clock_timestamp() - xact_start)) FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
      ),
      'foreseen', coalesce((SELECT max(last) FROM ${this.quoted}.lease WHERE namespace = $1), 0)
        - extract(epoch FROM clock_timestamp()) * 1000000
    )::text AS answer`;
    return findingsOf(JSON.parse(await this.ask(sql, [this.ns])) as PostgresFacts);
  }

  private get lease(): string {
    return `to_regclass(${quoteText(`${quoteName(this.schema)}.lease`)})`;
  }

  private async ask(sql: string, parameters: readonly string[]): Promise<string> {
    const [row] = await this.query(sql, parameters);
    if (typeof row?.answer !== 'string') throw malformedAnswer('a question of an operator');
    return row.answer;
  }
}
