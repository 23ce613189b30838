/** What an error of PostgreSQL means for locks. */
export interface Meaning {
  /** The meaning, for the brackets after the server's own words. */
  readonly means: string;

  /** What to do about it, in whole sentences. */
  readonly remedy: string;
}

const FIND_SLOW = 'Look at pg_stat_activity for what keeps the server busy.';

const RESTART: Meaning = {
  means: 'the server is being shut down or started',
  remedy: 'Wait until it is back: locks then come back by themselves.',
};

const ALLOW: Meaning = {
  means: 'the user of this connection lacks a right that locks need',
  remedy: 'Grant it what is listed under "Rights" in docs/postgres.md, or give another user.',
};

const NO_TABLES: Meaning = {
  means: 'the tables or functions of locks are missing, or those of another version',
  remedy:
    'The next call makes them again, with no locks in them; with migrate: false, run what postgresSchemaSql() returns.',
};

const LOGIN: Meaning = {
  means: 'the server does not know this user, or the password is wrong',
  remedy: 'Correct it in connectionString, listenUrl or the options of the pool.',
};

const CONFLICT: Meaning = {
  means: 'the isolation level of the connection is higher than READ COMMITTED',
  remedy: "Set default_transaction_isolation = 'read committed' for this user (ALTER ROLE … SET).",
};

/** By SQLSTATE. */
const BY_STATE: Readonly<Record<string, Meaning>> = {
  '53300': {
    means: 'the server has as many connections as it accepts',
    remedy: 'Raise its max_connections, lower the max of your pools, or put a pooler such as PgBouncer in between.',
  },
  '53100': { means: 'the disk of the server is full', remedy: 'Free some of it.' },
  '53200': { means: 'the server has no memory left', remedy: FIND_SLOW },
  '25006': {
    means: 'the server takes no writes: it is a standby, or default_transaction_read_only is on',
    remedy: 'After a failover a new connection has to lead to the new primary; otherwise correct the address.',
  },
  '40P01': {
    means: 'the server has ended this command as it waited in a circle with another transaction',
    remedy: 'Try again. Locks are taken in one order, so another program most likely locks rows of these tables.',
  },
  '40001': CONFLICT,
  NL001: CONFLICT,
  '55P03': {
    means: 'another transaction keeps a row locked for longer than lock_timeout',
    remedy: 'Keep transactions with lock.assertIn() short, or raise lock_timeout for this user.',
  },
  '57014': {
    means: 'the statement was canceled, most likely as it took longer than statement_timeout',
    remedy: `Raise statement_timeout for this user. ${FIND_SLOW}`,
  },
  '57P01': RESTART,
  '57P02': RESTART,
  '57P03': RESTART,
  '57P05': {
    means: 'the server has closed an idle connection (idle_session_timeout)',
    remedy: 'Raise it for this user.',
  },
  '28P01': LOGIN,
  '28000': LOGIN,
  '3D000': { means: 'there is no such database', remedy: 'Correct the end of the URL, or create the database.' },
  '42501': ALLOW,
  '3F000': NO_TABLES,
  '42P01': NO_TABLES,
  '42883': NO_TABLES,
};

/** `undefined` for an error that says enough by itself. */
export function meaningOf(state: string): Meaning | undefined {
  return Object.hasOwn(BY_STATE, state) ? BY_STATE[state] : undefined;
}
