import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { useRedisServer } from '../support/redis.js';
import { APPLICATIONS } from './support/applications.js';
import { Consumer } from './support/consumer.js';
import { packPackage } from './support/pack.js';
import { expectGoodReport, type FormatsReport } from './support/reports.js';
import { makeTemporaryFolder, removeFolder } from './support/temporary-folder.js';

let folder: string | undefined;
let tarball = '';

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  ({ tarball } = await packPackage(folder));
}, 120_000);

afterAll(async () => {
  await removeFolder(folder);
});

describe.each(APPLICATIONS)('$name', ({ fixture, variants, compile, checkDeclarations }) => {
  const redis = useRedisServer();
  let full: Consumer;
  let withoutIoredis: Consumer;

  beforeAll(async () => {
    const base = path.join(folder ?? '', fixture);
    [full, withoutIoredis] = await Promise.all([
      Consumer.install(fixture, base, tarball),
      Consumer.install(fixture, `${base}-without-ioredis`, tarball, ['ioredis']),
    ]);
    await Promise.all([compile(full), compile(withoutIoredis)]);
  }, 240_000);

  it('finds no fault in the declarations', async () => {
    await checkDeclarations(full);
  }, 120_000);

  describe.each(variants)('$label', ({ node, output }) => {
    it('locks in memory and ends by itself', async () => {
      expectGoodReport(await full.run([...node, `${output}/main.js`]));
    });

    it('locks in Redis, leaves nothing held and ends by itself', async () => {
      const client = new Redis(redis.url);
      try {
        await client.flushall();
        expectGoodReport(await full.run([...node, `${output}/main.js`], { REDIS_URL: redis.url }));
        // The fence stays, as tokens must rise over the end of a process. It also shows that Redis was used at all.
        expect(await client.keys('*')).toEqual(['lock:nestjs-locking:fence']);
      } finally {
        client.disconnect();
      }
    });

    it('finds the build that is meant for it, and the testing part', async () => {
      const { report } = await full.run([...node, `${output}/formats.js`]);
      const { sameClass, required, testing } = report as FormatsReport;
      const canRequireEsm = node.length === 0;
      expect(required).toContain(canRequireEsm ? '/dist/esm/' : '/dist/cjs/');
      expect(sameClass).toBe(canRequireEsm);
      expect(testing.length).toBeGreaterThan(0);
      expect(testing.filter((file) => !file.startsWith(full.folder) || !existsSync(file))).toEqual([]);
    });

    it('works in memory without ioredis', async () => {
      expect(existsSync(path.join(withoutIoredis.folder, 'node_modules/ioredis'))).toBe(false);
      expectGoodReport(await withoutIoredis.run([...node, `${output}/main.js`]));
    });

    it('does not start on Redis without ioredis, and names the remedy', async () => {
      const env = { REDIS_URL: redis.url };
      const { code, stderr } = await withoutIoredis.run([...node, `${output}/main.js`], env);
      expect(code).toBe(1);
      expect(stderr).toContain('LockConfigurationError');
      expect(stderr).toContain('Run: npm install ioredis');
    });
  });
});
