import { pathToFileURL } from 'node:url';
import type { Contender } from '../../contenders/contender.js';
import { requirePeer } from '../location.js';

interface Lock {
  acquire(): Promise<boolean>;
  run(job: () => Promise<void>): Promise<[boolean, unknown]>;
  release(): Promise<void>;
  extend(): Promise<void>;
}

interface Package {
  readonly LockFactory: new (store: unknown) => { createLock(name: string): Lock };
}

/** Its own table: processes that make it at the same time fail. */
const TABLE = `BEGIN; SELECT pg_advisory_xact_lock(3);
  CREATE TABLE IF NOT EXISTS verrou (key varchar(255) PRIMARY KEY, owner varchar(255) NOT NULL, expiration bigint);
  COMMIT`;

interface Driver {
  readonly knexStore: (config: object) => { factory(): unknown };
}

/** At its defaults: it asks again every 250 ms, for ever. */
export async function openVerrou(url: string): Promise<Contender> {
  const { LockFactory } = (await importPeer('@verrou/core')) as Package;
  const { knexStore } = (await importPeer('@verrou/core/drivers/knex')) as Driver;
  const knex = requirePeer('knex') as (config: object) => {
    raw(sql: string): Promise<unknown>;
    destroy(): Promise<void>;
  };
  const connection = knex({ client: 'pg', connection: url, pool: { min: 0, max: 20 } });
  await connection.raw(TABLE);
  const factory = new LockFactory(knexStore({ connection, tableName: 'verrou', autoCreateTable: false }).factory());
  return {
    run: async (key, job) => factory.createLock(key).run(job),
    async acquire(key) {
      const lock = factory.createLock(key);
      await lock.acquire();
      return { release: async () => lock.release(), extend: async () => lock.extend() };
    },
    close: async () => connection.destroy(),
  };
}

/** It is an ES module, and found in the peers' own installation. */
async function importPeer(name: string): Promise<unknown> {
  return import(pathToFileURL(requirePeer.resolve(name)).href);
}
