// @ts-check
/** One instance of an import that saves its checkpoints in the transactions of its rows. It reports each row. */
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LockingModule, LockingService, PostgresLockingProvider } from 'nestjs-locking';

/** @type {{ Client: new (options: object) => import('nestjs-locking').LockTransaction & { connect(): Promise<void>, end(): Promise<void>, query(sql: string, values?: unknown[]): Promise<unknown>, on(event: string, listener: () => void): void } }} */
const { Client } = createRequire(import.meta.url)('pg');

const connectionString = process.env.REDIS_URL ?? '';
const ROWS = Number(process.env.ROWS);

class App {}
Module({
  imports: [
    LockingModule.forRoot({
      providers: [{ resolve: PostgresLockingProvider, options: { connectionString, expire: '1s' } }],
    }),
  ],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
const locking = app.get(LockingService);
const client = new Client({ connectionString });
client.on('error', () => undefined);
await client.connect();

/** @param {object} message */
const report = (message) => process.send?.(message);

/**
 * @param {import('nestjs-locking').Checkpoints<{ next: number }>} checkpoints
 * @param {number} row
 */
async function importRow(checkpoints, row) {
  await client.query('BEGIN');
  try {
    await client.query('INSERT INTO imported VALUES ($1)', [row]);
    await checkpoints.save({ next: row + 1 }, { transaction: client });
    report({ saved: row });
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

async function run() {
  await locking.execute(
    'import',
    async (lock) => {
      /** @type {import('nestjs-locking').Checkpoints<{ next: number }>} */
      const checkpoints = lock.checkpoints();
      let next = (await checkpoints.loadLatest())?.data.next ?? 0;
      report({ begins: next });
      for (; next < ROWS; next += 1) await importRow(checkpoints, next);
    },
    { timeout: '60s' },
  );
}

process.on('message', (/** @type {{ do: string }} */ { do: order }) => {
  if (order === 'run') {
    run().then(
      () => report({ ended: 'done' }),
      (/** @type {Error} */ error) => report({ ended: error.name, message: error.message }),
    );
  }
  if (order === 'close') void Promise.all([client.end(), app.close()]).then(() => process.disconnect());
});
report({ ready: true });
