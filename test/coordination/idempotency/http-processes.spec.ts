import { expect, it, jest } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { useRawRedis } from '../../support/raw-redis.js';
import { useWorkers, type Worker } from '../../support/workers.js';

jest.setTimeout(120_000);

const PROGRAM = fileURLToPath(new URL('./server.mjs', import.meta.url));

const redis = useRawRedis();
const startWorkers = useWorkers(PROGRAM);

/** Two instances; the first one holds its charges. */
async function start(): Promise<[first: Worker, second: Worker, firstUrl: string, secondUrl: string]> {
  const [first] = await startWorkers(redis.url, 1, { HOLDS: 'true' });
  const [second] = await startWorkers(redis.url, 1);
  return [first!, second!, (await first!.hear('url')).url as string, (await second!.hear('url')).url as string];
}

async function post(url: string): Promise<{ status: number; body: Record<string, unknown>; replayed: string | null }> {
  const response = await fetch(url, { method: 'POST', headers: { 'Idempotency-Key': 'k' } });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body, replayed: response.headers.get('idempotent-replayed') };
}

const charges = async (): Promise<number> => redis.raw.llen('charged');

it('a request whose instance is killed is handled by another, and then repeated', async () => {
  const [first, , firstUrl, secondUrl] = await start();
  const broken = post(`${firstUrl}/charge`).catch(() => 'broken');
  await first.hear('begun');
  first.signal('SIGKILL');
  expect(await broken).toBe('broken');
  const answer = await post(`${secondUrl}/charge`);
  expect(answer).toMatchObject({ status: 201, replayed: null });
  expect(await post(`${secondUrl}/charge`)).toEqual({ ...answer, replayed: 'true' });
  expect(await charges()).toBe(2);
});

it("a request whose instance is killed is not handled again with onAbandoned: 'reject'", async () => {
  const [first, , firstUrl, secondUrl] = await start();
  const broken = post(`${firstUrl}/charge-once`).catch(() => 'broken');
  await first.hear('begun');
  first.signal('SIGKILL');
  expect(await broken).toBe('broken');
  const refused = await post(`${secondUrl}/charge-once`);
  expect(refused).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_ABANDONED' } });
  expect(await charges()).toBe(1);
});

it('the late answer of an instance that was frozen is not sent, and replaces nothing', async () => {
  const [first, second, firstUrl, secondUrl] = await start();
  const late = post(`${firstUrl}/charge`);
  await first.hear('begun');
  first.signal('SIGSTOP');
  const answer = await post(`${secondUrl}/charge`);
  expect(answer).toMatchObject({ status: 201, replayed: null });
  await second.hear('begun');
  first.tell({ do: 'goOn' });
  first.signal('SIGCONT');
  expect(await late).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_LOST' } });
  for (const url of [firstUrl, secondUrl]) expect(await post(`${url}/charge`)).toEqual({ ...answer, replayed: 'true' });
  expect(await charges()).toBe(2);
});
