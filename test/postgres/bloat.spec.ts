import { expect, it, jest } from '@jest/globals';
import { rowsOf, usePostgresServer } from '../support/postgres.js';
import { request, useProviders } from './support.js';

jest.setTimeout(120_000);

const postgres = usePostgresServer({ config: { autovacuum_naptime: '1s' } });
const providers = useProviders();

/** How often each key is locked. A million cycles leave no more than these: `BLOAT_CYCLES=1000000`. */
const CYCLES = Number(process.env.BLOAT_CYCLES ?? 20_000);

const KEYS = 100;
const MEGABYTE = 2 ** 20;

it('tables and indexes stay small, however often keys are locked', async () => {
  const { provider } = await providers.connect({ connectionString: postgres.url });
  for (let cycle = 0; cycle < CYCLES / KEYS; cycle += 1) {
    const requests = Array.from({ length: KEYS }, (_, index) => request(`key ${String(index)}`));
    const answers = await Promise.all(provider.acquireBatch(requests));
    expect(answers.every(({ granted }) => granted)).toBe(true);
    await Promise.all(provider.releaseBatch(requests));
  }
  const [sizes] = await rowsOf(
    postgres.url,
    `SELECT pg_table_size('nestjs_locking.lease')::int AS table, pg_indexes_size('nestjs_locking.lease')::int AS indexes`,
  );
  // Counted when the session ends, or after a while.
  await provider.close();
  const [counts] = await rowsOf(
    postgres.url,
    `SELECT n_tup_upd::int AS updates, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname = 'lease'`,
  );
  if (process.env.BLOAT_CYCLES) console.log({ cycles: CYCLES, ...sizes, ...counts });
  expect(sizes?.table).toBeLessThan(2 * MEGABYTE);
  expect(sizes?.indexes).toBeLessThan(MEGABYTE);
  expect(Number(counts?.hot) / Number(counts?.updates)).toBeGreaterThan(0.9);
});
