// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgresServer } from './start.mjs';

/**
 * @param {import('./index.mjs').PostgresServerOptions} [options]
 * @returns {Promise<import('./index.mjs').PostgresPair>}
 */
export async function startPostgresPair(options = {}) {
  const config = { wal_level: 'replica', max_wal_senders: '10', wal_keep_size: '64MB', ...options.config };
  // The standby begins as a copy of the primary's data folder, which has to be at rest.
  const first = await startPostgresServer({ ...options, config });
  const work = mkdtempSync(join(tmpdir(), 'nestjs-locking-standby-'));
  const servers = [first];
  try {
    first.kill('SIGKILL');
    execFileSync('cp', ['-R', join(first.dir, 'data'), join(work, 'data')]);
    await first.restart();
    const follow = { primary_conninfo: `host=127.0.0.1 port=${first.port} user=postgres application_name=standby` };
    const standby = await startPostgresServer(
      { config: { ...config, ...follow, hot_standby: 'on' } },
      join(work, 'data'),
      [{ name: 'standby.signal', text: '' }],
    );
    servers.push(standby);
    return {
      primary: first,
      standby,
      stop: async () => {
        await Promise.all(servers.map((server) => server.stop()));
      },
    };
  } catch (error) {
    await Promise.all(servers.map((server) => server.stop()));
    throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
