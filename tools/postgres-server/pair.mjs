// @ts-check
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgresServer } from './start.mjs';

const REPLICATION = {
  wal_level: 'replica',
  max_wal_senders: '10',
  wal_keep_size: '256MB',
  hot_standby: 'on',
  // A standby whose primary was restarted looks for it every 5 s otherwise, and commits that wait for it stand still.
  wal_retrieve_retry_interval: '200ms',
};

/**
 * @param {import('./index.mjs').PostgresServerOptions} [options]
 * @returns {Promise<import('./index.mjs').PostgresPair>}
 */
export async function startPostgresPair(options = {}) {
  const primary = await startPostgresServer({ ...options, config: { ...REPLICATION, ...options.config } });
  try {
    const standby = await startPostgresStandby(primary, options);
    return {
      primary,
      standby,
      stop: async () => {
        await Promise.all([primary, standby].map((server) => server.stop()));
      },
    };
  } catch (error) {
    await primary.stop();
    throw error;
  }
}

/**
 * Starts a standby of a server, from a copy of its data that is made while it runs.
 *
 * @param {import('./index.mjs').PostgresServer} primary
 * @param {import('./index.mjs').PostgresStandbyOptions} [options]
 * @returns {Promise<import('./index.mjs').PostgresServer>}
 */
export async function startPostgresStandby(primary, options = {}) {
  const work = mkdtempSync(join(tmpdir(), 'nestjs-locking-standby-'));
  const data = join(work, 'data');
  try {
    const label = await backUp(primary.url, () => {
      // A file that vanishes meanwhile fails the copy, and is no part of the backup.
      spawnSync('cp', ['-R', join(primary.dir, 'data'), data]);
    });
    writeFileSync(join(data, 'backup_label'), label);
    writeFileSync(join(data, 'standby.signal'), '');
    const port = options.through ?? primary.port;
    const follow = { primary_conninfo: `host=127.0.0.1 port=${port} user=postgres application_name=standby` };
    return await startPostgresServer({ config: { ...REPLICATION, ...options.config, ...follow } }, data);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Has the server keep what a copy needs that is made meanwhile.
 *
 * @param {string} url
 * @param {() => void} copy
 * @returns {Promise<string>} the label, to be written beside the copy
 */
async function backUp(url, copy) {
  /** @type {typeof import('pg')} */
  const { Client } = createRequire(import.meta.url)('pg');
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query("SELECT current_setting('server_version_num')::int >= 150000 AS renamed");
    const [start, stop] = rows[0].renamed
      ? [`pg_backup_start('standby', true)`, 'pg_backup_stop(false)']
      : [`pg_start_backup('standby', true, false)`, 'pg_stop_backup(false, false)'];
    await client.query(`SELECT ${start}`);
    copy();
    const stopped = await client.query(`SELECT labelfile FROM ${stop}`);
    return stopped.rows[0].labelfile;
  } finally {
    await client.end();
  }
}
