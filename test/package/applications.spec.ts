import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { rowsOf, usePostgresServer } from '../support/postgres.js';
import { useRedisServer } from '../support/redis.js';
import { APPLICATIONS } from './support/applications.js';
import { Consumer } from './support/consumer.js';
import { packPackage } from '../support/pack.js';
import { expectGoodReport, GOOD_SCHEDULE_REPORT, type FormatsReport } from './support/reports.js';
import { makeTemporaryFolder, removeFolder } from './support/temporary-folder.js';

const redis = useRedisServer();
const postgres = usePostgresServer();
let folder: string | undefined;
let tarball = '';

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  ({ tarball } = await packPackage(folder));
}, 120_000);

afterAll(async () => {
  await removeFolder(folder);
});

describe.each(APPLICATIONS)('$name', ({ fixture, ioredis, schedule, variants, compile, checkDeclarations }) => {
  let consumer: Consumer;

  beforeAll(async () => {
    consumer = await Consumer.install(fixture, path.join(folder ?? '', fixture), tarball);
    await compile(consumer);
  }, 240_000);

  describe.each(variants)('without ioredis, $label', ({ node, output }) => {
    it('the application locks in memory and ends by itself', async () => {
      expect(existsSync(path.join(consumer.folder, 'node_modules/ioredis'))).toBe(false);
      expectGoodReport(await consumer.run([...node, `${output}/main.js`]));
    });

    it('the application does not start on Redis without ioredis, and names the remedy', async () => {
      const env = { REDIS_URL: redis.url };
      const { code, stderr } = await consumer.run([...node, `${output}/main.js`], env);
      expect(code).toBe(1);
      expect(stderr).toContain('LockConfigurationError');
      expect(stderr).toContain('Run: npm install ioredis');
    });

    it('the application does not start on PostgreSQL without pg, and names the remedy', async () => {
      const env = { POSTGRES_URL: postgres.url };
      const { code, stderr } = await consumer.run([...node, `${output}/main.js`], env);
      expect(code).toBe(1);
      expect(stderr).toContain('LockConfigurationError');
      expect(stderr).toContain('Run: npm install pg');
    });

    it('the application finds its build, and the testing part', async () => {
      const { report } = await consumer.run([...node, `${output}/formats.js`]);
      const { sameClass, required, testing } = report as FormatsReport;
      const canRequireEsm = node.length === 0;
      expect(required).toContain(canRequireEsm ? '/dist/esm/' : '/dist/cjs/');
      expect(sameClass).toBe(canRequireEsm);
      expect(testing.length).toBeGreaterThan(0);
      expect(testing.filter((file) => !file.startsWith(consumer.folder) || !existsSync(file))).toEqual([]);
    });
  });

  describe('after npm install pg', () => {
    beforeAll(async () => {
      await consumer.npmInstall('pg@^8.5.0');
    }, 240_000);

    it.each(variants)(
      'without ioredis the application locks in PostgreSQL, leaves nothing held and ends by itself, $label',
      async ({ node, output }) => {
        expect(existsSync(path.join(consumer.folder, 'node_modules/ioredis'))).toBe(false);
        const env = { POSTGRES_URL: postgres.url };
        expectGoodReport(await consumer.run([...node, `${output}/main.js`], env));
        const held = await rowsOf(postgres.url, 'SELECT key FROM nestjs_locking.lease WHERE owner IS NOT NULL');
        expect(held).toEqual([]);
        expect(await rowsOf(postgres.url, 'SELECT 1 FROM nestjs_locking.lease LIMIT 1')).toHaveLength(1);
      },
    );
  });

  describe(`after npm install ${ioredis}`, () => {
    beforeAll(async () => {
      await consumer.npmInstall(ioredis);
    }, 240_000);

    it('the compiler finds no fault in the declarations', async () => {
      await checkDeclarations(consumer);
    }, 120_000);

    it.each(variants)(
      'the application locks in Redis, leaves nothing held and ends by itself, $label',
      async ({ node, output }) => {
        const client = new Redis(redis.url);
        try {
          await client.flushall();
          expectGoodReport(await consumer.run([...node, `${output}/main.js`], { REDIS_URL: redis.url }));
          // The fence stays, as tokens must rise over the end of a process. It also shows that Redis was used at all.
          expect(await client.keys('*')).toEqual(['lock:nestjs-locking:fence']);
        } finally {
          client.disconnect();
        }
      },
    );
  });

  describe(`after npm install ${schedule}`, () => {
    beforeAll(async () => {
      // all tests before this one ran without these two
      for (const peer of ['@nestjs/schedule', 'bullmq']) {
        expect(existsSync(path.join(consumer.folder, 'node_modules', peer))).toBe(false);
      }
      await consumer.npmInstall(schedule);
      await consumer.add('schedule');
      await compile(consumer);
    }, 240_000);

    it('the compiler finds no fault in the declarations of the subpaths', async () => {
      await checkDeclarations(consumer);
    }, 120_000);

    it.each(variants)(
      'the application runs a @LockedCron and a @LockedInterval, and ends by itself, $label',
      async (variant) => {
        const { code, stderr, report } = await consumer.run([...variant.node, `${variant.output}/schedule.js`]);
        // The scheduler's own message about a tick that a busy machine delayed by milliseconds.
        const ours = stderr.replaceAll(/^\[Cron\] Missed execution deadline by .*\n/gm, '');
        expect({ code, stderr: ours, report }).toEqual({ code: 0, stderr: '', report: GOOD_SCHEDULE_REPORT });
      },
    );
  });
});
