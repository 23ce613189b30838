import { fileURLToPath } from 'node:url';
import { expect, it, jest } from '@jest/globals';
import { eventually } from '../../support/poll.js';
import { rowsOf, usePostgresServer } from '../../support/postgres.js';
import { useWorkers } from '../../support/workers.js';

jest.setTimeout(120_000);

const ROWS = 60;
const PROGRAM = fileURLToPath(new URL('./transaction-importer.mjs', import.meta.url));

const postgres = usePostgresServer();
const startWorkers = useWorkers(PROGRAM);

it.each(['SIGKILL', 'SIGSTOP'] as const)(
  'each row of an import whose instance gets %s in a transaction is imported exactly once',
  async (signal) => {
    await rowsOf(postgres.url, 'DROP TABLE IF EXISTS imported');
    await rowsOf(postgres.url, 'CREATE TABLE imported (row int)');
    // The import before has ended, and its checkpoint with it.
    await rowsOf(postgres.url, 'DROP SCHEMA IF EXISTS nestjs_locking CASCADE');
    const [first, second] = await startWorkers(postgres.url, 2, { ROWS: String(ROWS) });
    first!.tell({ do: 'run' });
    await first!.hear('saved');
    second!.tell({ do: 'run' });
    while (((await first!.hear('saved')).saved as number) < 10);
    first!.signal(signal);
    if (signal === 'SIGSTOP') {
      const sql = `SELECT 1 FROM nestjs_locking.lease WHERE key = 'import' AND until < clock_timestamp()`;
      let hasBegun = false;
      void second!.hear('begins').then(() => (hasBegun = true));
      // Its lease has ended, while its transaction may be open; or the second one goes on already.
      await eventually(async () => hasBegun || (await rowsOf(postgres.url, sql)).length > 0, 60_000);
      first!.signal('SIGCONT');
      await first!.hear('ended');
    }
    expect(await second!.hear('ended')).toEqual({ ended: 'done' });
    expect(await imported()).toEqual(Array.from({ length: ROWS }, (_, row) => row));
  },
);

async function imported(): Promise<unknown[]> {
  return (await rowsOf(postgres.url, 'SELECT row FROM imported ORDER BY row')).map(({ row }) => row);
}
