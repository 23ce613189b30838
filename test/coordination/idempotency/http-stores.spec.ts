import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Post, type INestApplication } from '@nestjs/common';
import {
  Idempotent,
  InMemoryLockingProvider,
  LockingModule,
  MemoryLockStore,
  PostgresLockingProvider,
  RedisLockingProvider,
  type LockingProviderDefinition,
} from '../../../lib/index.js';
import { create, Desk, PLATFORMS, until, type Platform } from '../../requests/support.js';
import { usePostgresServer } from '../../support/postgres.js';
import { useRedisServer } from '../../support/redis.js';

let desk = new Desk();

@Controller()
class Payments {
  @Post('pay')
  @Idempotent()
  async pay(): Promise<unknown> {
    return { receipt: await desk.work('pay') };
  }
}

/** Two instances of an application behind a balancer. */
function sharedBy(open: () => () => LockingProviderDefinition): void {
  let apps: INestApplication[] = [];

  afterEach(async () => {
    await Promise.all(apps.map(async (app) => app.close()));
    apps = [];
    desk = new Desk();
  });

  const start = async (platform: Platform): Promise<string[]> => {
    const provider = open();
    for (let instance = 0; instance < 2; instance += 1) {
      const app = await create(platform, [LockingModule.forRoot({ providers: [provider()] })], {
        controllers: [Payments],
      });
      apps.push(app);
      await app.listen(0, '127.0.0.1');
    }
    return Promise.all(apps.map(async (app) => app.getUrl()));
  };

  const pay = async (url: string, key: string, amount = 1) => {
    const headers = { 'Idempotency-Key': key, 'Content-Type': 'application/json' };
    const response = await fetch(`${url}/pay`, { method: 'POST', headers, body: JSON.stringify({ amount }) });
    const { status, headers: answered } = response;
    return { status, text: await response.text(), replayed: answered.get('idempotent-replayed') };
  };

  it.each(PLATFORMS)('one of two instances runs a request, and both give its answer, on %s', async (platform) => {
    const [one = '', two = ''] = await start(platform);
    const first = pay(one, 'k');
    await until(() => desk.running === 1);
    expect((await pay(two, 'k')).status).toBe(409);
    expect((await pay(two, 'k', 2)).status).toBe(422);
    desk.gate('pay').resolve();
    expect(await first).toEqual({ status: 201, text: '{"receipt":"pay"}', replayed: null });
    for (const url of [one, two]) {
      expect(await pay(url, 'k')).toEqual({ status: 201, text: '{"receipt":"pay"}', replayed: 'true' });
    }
    expect(desk.events).toEqual(['pay starts', 'pay ends']);
  });

  it('of twenty requests at once one runs', async () => {
    const urls = await start('express');
    const answers = Array.from({ length: 20 }, async (_, index) => pay(urls[index % 2] ?? '', 'k'));
    await until(() => desk.running === 1);
    desk.gate('pay').resolve();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status !== 201 && status !== 409)).toEqual([]);
    expect(statuses).toContain(201);
    expect(desk.events).toEqual(['pay starts', 'pay ends']);
  });
}

describe('@Idempotent in memory', () => {
  sharedBy(() => {
    const store = new MemoryLockStore();
    return () => ({ resolve: InMemoryLockingProvider, options: { store } });
  });
});

describe('@Idempotent on Redis', () => {
  const redis = useRedisServer();
  sharedBy(() => {
    const namespace = `${randomUUID()}:`;
    return () => ({ resolve: RedisLockingProvider, options: { redisUrl: redis.url, namespace } });
  });

  it('a request is refused with 503 while the store is down, and its handler does not run', async () => {
    const app = await create(
      'express',
      [
        LockingModule.forRoot({
          providers: [{ resolve: RedisLockingProvider, options: { redisUrl: 'redis://127.0.0.1:1' } }],
        }),
      ],
      { controllers: [Payments] },
    );
    await app.listen(0, '127.0.0.1');
    try {
      const answer = await fetch(`${await app.getUrl()}/pay`, { method: 'POST', headers: { 'Idempotency-Key': 'k' } });
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('5');
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(await answer.json()).toMatchObject({ code: 'IDEMPOTENCY_UNAVAILABLE' });
      expect(desk.events).toEqual([]);
    } finally {
      await app.close();
    }
  });
});

describe('@Idempotent on PostgreSQL', () => {
  const postgres = usePostgresServer();
  sharedBy(() => {
    const namespace = `${randomUUID()}:`;
    return () => ({ resolve: PostgresLockingProvider, options: { connectionString: postgres.url, namespace } });
  });
});
