import { onOneLine } from '../../errors/quote.js';
import type { Finding } from '../../provider-api/operable-store.js';
import { SCHEMA_VERSION } from './schema-sql.js';

/** Which servers have the commits as well. */
export interface ReplicationFacts {
  readonly standbys: number;
  /** `synchronous_standby_names`: commits wait for some of these. */
  readonly synchronous: string;
  /** Whether those of this user do. */
  readonly awaits: boolean;
}

/** What a look at the server tells. */
export interface PostgresFacts extends ReplicationFacts {
  readonly version: string;
  readonly schemaVersion: number;
  readonly durable: boolean;
  readonly connections: number;
  readonly mostConnections: number;
  readonly autovacuum: boolean;
  readonly unlogged: boolean | null;
  /** Rows of the table of leases, and versions of them that are out of date. */
  readonly rows: number;
  readonly dead: number;
  /** For how many seconds the oldest transaction has been open that this user may see. */
  readonly oldest: number | null;
  /** How many microseconds the last token is ahead of the clock. */
  readonly foreseen: number;
}

/** From this share on there is a warning. */
const FULL = 0.8;

/** Dead versions that vacuum should have removed. */
const MANY_DEAD = 50_000;

/** In seconds: until then, no version of a row that is out of date can be removed. */
const LONG_TRANSACTION = 300;

/** In microseconds. */
const MOST_AHEAD = 60_000_000;

export function findingsOf(facts: PostgresFacts): Finding[] {
  const { version, schemaVersion, connections, mostConnections } = facts;
  const share = connections / mostConnections;
  return [
    { level: 'ok', subject: 'version', message: `PostgreSQL ${onOneLine(version)}` },
    schemaVersion > SCHEMA_VERSION
      ? {
          level: 'note',
          subject: 'schema',
          message: `the tables have version ${String(schemaVersion)}, and this package knows version ${String(SCHEMA_VERSION)}`,
          remedy: 'Use the version of nestjs-locking that the application uses.',
        }
      : { level: 'ok', subject: 'schema', message: `the tables have version ${String(schemaVersion)}` },
    ...replication(facts),
    ...durability(facts),
    ...(share >= FULL
      ? [
          {
            level: 'warning' as const,
            subject: 'connections',
            message: `${String(connections)} of at most ${String(mostConnections)} connections are open`,
            remedy: 'Raise max_connections, put a pooler before the server, or find out who leaves connections open.',
          },
        ]
      : []),
    ...tables(facts),
  ];
}

export function replication({ standbys, synchronous, awaits }: ReplicationFacts): Finding[] {
  if (standbys === 0 && synchronous !== '' && awaits) {
    return [
      {
        level: 'problem',
        subject: 'replication',
        message: 'commits wait for a synchronous standby, and none is connected: no lock can be acquired',
        remedy: 'Bring the standby back, or empty synchronous_standby_names.',
        health: 'down',
      },
    ];
  }
  if (standbys === 0) return [{ level: 'ok', subject: 'replication', message: 'no standby servers' }];
  if (synchronous !== '') {
    return [{ level: 'ok', subject: 'replication', message: `${String(standbys)} standby servers, synchronous` }];
  }
  return [
    {
      level: 'warning',
      subject: 'replication',
      message: `${String(standbys)} standby servers, and commits wait for none: a failover loses the locks of the last moments`,
      remedy: 'Set synchronous_standby_names, or refuse older fencing tokens; see docs/postgres.md.',
    },
  ];
}

function durability({ durable, unlogged }: PostgresFacts): Finding[] {
  if (unlogged === true) {
    return [
      {
        level: 'note',
        subject: 'durability',
        message: 'the tables are UNLOGGED: a crash of the server or a failover forgets all locks',
        remedy: 'Create them without the option unlogged where that must not happen.',
      },
    ];
  }
  if (durable) return [{ level: 'ok', subject: 'durability', message: 'grants are committed to disk' }];
  return [
    {
      level: 'warning',
      subject: 'durability',
      message: 'fsync or synchronous_commit is off: a crash of the server forgets the locks of the last moments',
      remedy: 'Switch them on for the user of the locks (ALTER ROLE … SET synchronous_commit = on).',
    },
  ];
}

function tables({ autovacuum, dead, rows, oldest, foreseen }: PostgresFacts): Finding[] {
  const findings: Finding[] = [];
  if (!autovacuum) {
    findings.push({
      level: 'warning',
      subject: 'vacuum',
      message: 'autovacuum is off: the tables of the locks grow, and locking gets slower',
      remedy: 'Switch it on, or run VACUUM on the tables of the schema every few minutes.',
    });
  }
  if (oldest !== null && oldest > LONG_TRANSACTION) {
    findings.push({
      level: 'warning',
      subject: 'transactions',
      message: `a transaction has been open for ${String(Math.round(oldest))} s: while it is, vacuum removes nothing and locking gets slower`,
      remedy: 'Find it in pg_stat_activity by xact_start, and end it.',
    });
  }
  if (dead > MANY_DEAD && dead > 10 * rows) {
    findings.push({
      level: 'warning',
      subject: 'vacuum',
      message: `the table of leases has ${String(dead)} dead rows beside ${String(rows)} live ones`,
      remedy: 'Run VACUUM on it, and look for long transactions, replication slots and prepared transactions.',
    });
  }
  if (foreseen > MOST_AHEAD) {
    findings.push({
      level: 'note',
      subject: 'tokens',
      message: `fencing tokens are ${String(Math.round(foreseen / 1e6))} s ahead of the clock of the server, which was set back: they go on by one`,
    });
  }
  return findings;
}
