-- The tables of the locks, in a schema of their own. `{schema}` is the quoted name of that schema.
--
-- A row of `lease` is a key. It stays for a while after its release, so that the next grant finds the last token in it; when
-- `sweep` deletes it, `meta.floor` rises to that token in the same transaction. All columns but the key change in place: no
-- index names them, and half of each page is kept free for the next version of a row.
--
-- `namespace`, `key`, `owner`, `process` and attempts are written with escapes: see `text-codec.ts`. A key that is too long
-- for an index is stored as its hash, and `name` has it whole.

CREATE TABLE {schema}.meta (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  -- The version of the tables and functions: the number of the last migration.
  version int NOT NULL,
  -- Greater than or equal to the last token of every row that was deleted.
  floor bigint NOT NULL DEFAULT 0,
  swept_at timestamptz NOT NULL DEFAULT '-infinity'
);

INSERT INTO {schema}.meta (version) VALUES (0);

CREATE {unlogged}TABLE {schema}.lease (
  namespace text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  -- The key, where `key` is its hash.
  name text COLLATE "C",
  -- NULL: the key is free. It is free as well once `until` has passed.
  owner text COLLATE "C",
  -- The attempts whose grants stand, oldest first; the newest 16. None for a key that is kept after its release.
  attempts text[] COLLATE "C" NOT NULL DEFAULT '{}',
  -- The token of the newest grant, and the last token that was reserved with it. NULL before the first grant.
  token bigint,
  last bigint,
  -- When the lease ends, or ended: the time of the release.
  until timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- The short paths do not suffice: a process may wait, an attempt may have a tombstone, or a transaction of the application
  -- may rely on the last grant.
  busy boolean NOT NULL DEFAULT false,
  -- Attempts that were cancelled before they arrived, each with the time in ms until which it is refused.
  tombstones jsonb,
  PRIMARY KEY (namespace, key)
) WITH (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_analyze_scale_factor = 0.5
);

-- One row per process that waits for a key. Rows of a key are only read and written while its row in `lease` is locked.
CREATE {unlogged}TABLE {schema}.queue (
  namespace text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  process text COLLATE "C" NOT NULL,
  -- The order of arrival.
  place bigint NOT NULL,
  -- What the process asked for.
  attempt text COLLATE "C" NOT NULL,
  owner text COLLATE "C" NOT NULL,
  ttl float8,
  tokens bigint NOT NULL,
  -- The last heartbeat.
  seen timestamptz NOT NULL,
  PRIMARY KEY (namespace, key, process)
) WITH (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.5
);

-- Small values that outlive a lock. `value` is NULL once the record was deleted: the row stays until `until`, for its token.
CREATE {unlogged}TABLE {schema}.record (
  namespace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  -- JSON. Compared with nothing, so it is text.
  value text,
  -- Of the last write.
  token bigint NOT NULL,
  version text COLLATE "C",
  written timestamptz NOT NULL DEFAULT clock_timestamp(),
  until timestamptz NOT NULL,
  PRIMARY KEY (namespace, name)
) WITH (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.5
);
