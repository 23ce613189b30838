import { LockConfigurationError } from '../../errors/index.js';
import { withRemedy } from '../../errors/remedy.js';
import type { LockTransaction } from '../../interfaces/index.js';
import type { HeldKey } from '../../provider-api/index.js';
import { malformedAnswer } from './postgres-errors.js';
import { cannotAssertAt, cannotAssertOutside, rollBack } from './postgres.messages.js';
import { encodeKey, encodeText } from './text-codec.js';

/** Where the leases are. */
interface Place {
  /** Of the provider. */
  readonly id: string;
  /** Quoted. */
  readonly schema: string;
  readonly namespace: string;
}

/**
 * When the transaction began, in a form that no setting of the session changes: of two statements that are committed one by one,
 * each has its own.
 */
const BEGAN = '(extract(epoch FROM transaction_timestamp()) * 1000000)::bigint::text';

/** Whether a statement sees what was committed before it, and not before its transaction: the two are the same in PostgreSQL. */
export function isReadCommitted(isolation: unknown): boolean {
  return isolation === 'read committed' || isolation === 'read uncommitted';
}

/**
 * Asks in a transaction of the application which leases stand. FOR KEY SHARE lets renewals and the release pass, and keeps the
 * next grant waiting until the transaction has ended: see `is_relied_on` in `sql/shared/rows.sql`. The rows are locked in the
 * order of the keys, as every command does. The parameters are texts, in their order, as some ORMs number them.
 */
export async function assertHeld(
  transaction: LockTransaction,
  { id, schema, namespace }: Place,
  held: readonly HeldKey[],
): Promise<boolean[]> {
  const sql = `SELECT lease.key, current_setting('transaction_isolation') AS isolation, ${BEGAN} AS began
    FROM jsonb_to_recordset($1::text::jsonb) AS held (key text, owner text, attempt text)
    JOIN ${schema}.lease ON lease.namespace = $2 AND lease.key = held.key COLLATE "C" AND lease.owner = held.owner
      AND held.attempt = ANY (lease.attempts) AND lease.until > clock_timestamp()
    ORDER BY lease.key FOR KEY SHARE OF lease`;
  const items = held.map(({ key, ownerId, attemptId }) => ({
    key: encodeKey(key).id,
    owner: encodeText(ownerId),
    attempt: encodeText(attemptId),
  }));
  const rows = await rowsIn(transaction, sql, [JSON.stringify(items), encodeText(namespace)], 'assertIn');
  for (const { isolation } of rows) {
    if (!isReadCommitted(isolation)) throw new LockConfigurationError(cannotAssertAt(id, String(isolation)));
  }
  // What a statement locks is free again at once where it is committed by itself.
  if (rows.length > 0) {
    const [next] = await rowsIn(transaction, `SELECT ${BEGAN} AS began`, [], 'assertIn');
    if (next?.began !== rows[0]?.began) throw new LockConfigurationError(cannotAssertOutside());
  }
  const standing = new Set(rows.map(({ key }) => key));
  return items.map(({ key }) => standing.has(key));
}

/** The rows of an answer, which some give as they are, others in an object. */
export async function rowsIn(
  transaction: LockTransaction,
  sql: string,
  parameters: string[],
  what: string,
): Promise<readonly Record<string, unknown>[]> {
  let result: unknown;
  try {
    result = await transaction.query(sql, parameters);
  } catch (error) {
    throw error instanceof Error ? withRemedy(error, rollBack()) : error;
  }
  const rows = Array.isArray(result) ? result : (result as { rows?: unknown } | undefined)?.rows;
  if (!Array.isArray(rows) || Array.isArray(rows[0])) throw malformedAnswer(what);
  return rows as Record<string, unknown>[];
}
