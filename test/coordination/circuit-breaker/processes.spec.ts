import { expect, it, jest } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../support/poll.js';
import { useRawRedis } from '../../support/raw-redis.js';
import { useWorkers, type Worker } from '../../support/workers.js';

jest.setTimeout(120_000);

const PROGRAM = fileURLToPath(new URL('./caller.mjs', import.meta.url));

const redis = useRawRedis();
const startWorkers = useWorkers(PROGRAM);

const start = async (count: number, options: object): Promise<Worker[]> =>
  startWorkers(redis.url, count, { OPTIONS: JSON.stringify({ minimumCalls: 2, openFor: '300ms', ...options }) });

async function call(worker: Worker, how: 'succeed' | 'fail'): Promise<unknown> {
  worker.tell({ do: 'call', how });
  return (await worker.hear('called')).outcome;
}

async function stateOf(worker: Worker): Promise<unknown> {
  worker.tell({ do: 'state' });
  return (await worker.hear('state')).state;
}

/** Opens the circuit for all, and has the first process make the probe, which hangs. */
async function hangProbe([first, ...others]: Worker[]): Promise<void> {
  while ((await call(first!, 'fail')) === 'Error');
  for (const worker of others) await eventually(async () => (await stateOf(worker)) === 'shared open');
  // Until openFor is over it is refused.
  await eventually(async () => {
    first!.tell({ do: 'call', how: 'hang' });
    return (await first!.hear('hangs')).hangs === true;
  });
}

it.each(['SIGKILL', 'SIGSTOP'] as const)(
  'a probe whose process gets %s frees the slot, and what it comes to later changes nothing',
  async (signal) => {
    const workers = await start(3, { minInstances: 1 });
    const [first, second, third] = workers;
    await hangProbe(workers);
    expect(await call(second!, 'succeed')).toBe('CircuitOpenError');
    expect(await stateOf(third!)).toBe('shared half-open');
    first!.signal(signal);
    const since = Date.now();
    await eventually(async () => (await call(second!, 'succeed')) === 'ran', 60_000);
    // The lease of the probe is 5 s.
    expect(Date.now() - since).toBeGreaterThan(1000);
    await eventually(async () => (await stateOf(third!)) === 'shared closed');
    expect(await call(third!, 'succeed')).toBe('ran');
    if (signal === 'SIGKILL') return;
    first!.signal('SIGCONT');
    first!.tell({ do: 'end', how: 'fail' });
    expect(await first!.hear('called')).toMatchObject({ called: 'hang', outcome: 'Error' });
    for (const worker of workers) await eventually(async () => (await stateOf(worker)) === 'shared closed');
    expect(await call(second!, 'succeed')).toBe('ran');
    expect(await stateOf(second!)).toBe('shared closed');
  },
);

it('one process whose calls all fail opens nothing for the others; a second one opens it for all', async () => {
  const [bad, second, good] = await start(3, { openFor: '1h', minInstances: 2 });
  while ((await call(bad!, 'fail')) === 'Error');
  expect(await stateOf(bad!)).toBe('instance open');
  for (let calls = 0; calls < 5; calls += 1) {
    expect(await call(good!, 'succeed')).toBe('ran');
    expect(await call(second!, 'succeed')).toBe('ran');
  }
  expect(await stateOf(good!)).toBe('shared closed');
  while ((await call(second!, 'fail')) === 'Error');
  for (const worker of [bad!, second!, good!]) await eventually(async () => (await stateOf(worker)) === 'shared open');
  expect(await call(good!, 'succeed')).toBe('CircuitOpenError');
});
