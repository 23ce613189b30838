import { describe, expect, it } from '@jest/globals';
import { InMemoryLockingProvider, LockConfigurationError } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { rejectionOf } from '../support/poll.js';

const applications = useApplications();

async function refusal(options: object): Promise<string> {
  const providers = [{ resolve: InMemoryLockingProvider, options }];
  const error = await rejectionOf(applications.withLocks({ providers }));
  expect(error).toBeInstanceOf(LockConfigurationError);
  return error.message;
}

const SECONDS = ['waitLockingTimeout', 'expire', 'drainTimeout'];
const MILLISECONDS = ['defaultRetryInterval', 'maximumRetryInterval'];

describe.each([...SECONDS, ...MILLISECONDS])('%s', (option) => {
  const [unit, short] = SECONDS.includes(option) ? ['seconds', 's'] : ['milliseconds', 'ms'];

  it.each([-1, NaN, Infinity, -Infinity])('a duration option refuses %d', async (value) => {
    const message = await refusal({ [option]: value });
    expect(message).toBe(
      `Provider "in-memory": ${option}: ${value} is not a length of time. Give a number of ${unit} from 0 on, or a string with a unit such as '250ms', '5s', '2m' or '1h'.`,
    );
  });

  it.each(['', 'soon', '5 s', '5S', '-5s', '5d', '1e3ms', '1m30s', '.s', '99999999999999999h'])(
    'refuses %j',
    async (value) => {
      const message = await refusal({ [option]: value });
      expect(message).toBe(
        `Provider "in-memory": ${option}: "${value}" is not a length of time. Give a number of ${unit}, or a string with a unit such as '250ms', '5s', '2m' or '1h'.`,
      );
    },
  );

  it('the error for a number in a string suggests the unit', async () => {
    expect(await refusal({ [option]: '30' })).toMatch(new RegExp(` or '1h' \\(for ${unit}, '30${short}'\\)\\.$`));
  });

  it.each([true, {}, [5], 5n, null])('refuses %p', async (value) => {
    expect(await refusal({ [option]: value })).toMatch(
      new RegExp(`^Provider "in-memory": ${option}: (boolean|object|bigint|null) is not a length of time\\.`),
    );
  });
});

describe.each(SECONDS)('%s', (option) => {
  it.each([300.5, 2000, 30_000])(
    'the error for the bare number %d supposes milliseconds and suggests the unit',
    async (value) => {
      expect(await refusal({ [option]: value })).toBe(
        `Provider "in-memory": ${option}: a bare number is seconds, and ${value} seconds is more than five minutes. Write '${value}ms' if milliseconds are meant, or '${value}s' if it is really that long.`,
      );
    },
  );

  it.each([1, 300, 0.5, '250ms', '5s', '1.5m', '2h', '30000s'])('accepts %j', async (value) => {
    const providers = [{ resolve: InMemoryLockingProvider, options: { [option]: value } }];
    await applications.withLocks({ providers });
  });
});

describe('the retry intervals', () => {
  it('a bare number as retry interval is in milliseconds, so that a large one is no mistake', async () => {
    const options = { defaultRetryInterval: 4000, maximumRetryInterval: 5000 };
    await applications.withLocks({ providers: [{ resolve: InMemoryLockingProvider, options }] });
  });

  it('a retry interval must be at least a millisecond', async () => {
    expect(await refusal({ defaultRetryInterval: 0 })).toBe(
      'Provider "in-memory": defaultRetryInterval: 0 is too short; it must be at least 1 ms.',
    );
  });

  it('maximumRetryInterval may not be shorter than defaultRetryInterval', async () => {
    expect(await refusal({ defaultRetryInterval: 200, maximumRetryInterval: '100ms' })).toBe(
      'Provider "in-memory": maximumRetryInterval (100 ms) is shorter than defaultRetryInterval (200 ms). Raise the one or lower the other.',
    );
    expect(await refusal({ defaultRetryInterval: '2s' })).toMatch(/^Provider "in-memory": maximumRetryInterval \(1000/);
  });
});

describe('backoffFactor', () => {
  it.each([0, 0.99, -2, NaN, Infinity, '2'])('refuses %p', async (backoffFactor) => {
    expect(await refusal({ backoffFactor })).toBe(
      `Provider "in-memory": backoffFactor: ${String(backoffFactor)} must be a number from 1 on.`,
    );
  });

  it('backoffFactor may be 1: no growth', async () => {
    await applications.withLocks({ providers: [{ resolve: InMemoryLockingProvider, options: { backoffFactor: 1 } }] });
  });
});

describe('expire', () => {
  it('expire must be at least a millisecond', async () => {
    expect(await refusal({ expire: 0 })).toMatch(/^Provider "in-memory": expire: .* is too short/);
    expect(await refusal({ expire: '0ms' })).toBe(
      'Provider "in-memory": expire: "0ms" is too short; it must be at least 1 ms.',
    );
  });
});

describe('the options of a provider', () => {
  it('calls use the options of their provider', async () => {
    const providers = [{ resolve: InMemoryLockingProvider, options: { expire: '90s', waitLockingTimeout: '20ms' } }];
    const { locking } = await applications.withLocks({ providers: providers as never });
    await locking.acquire('k');
    const { ttl } = (await locking.inspect('k'))!;
    expect(ttl).toBeGreaterThan(80_000);
    expect(ttl).toBeLessThanOrEqual(90_000);
    expect((await rejectionOf(locking.acquire('k'))).message).toContain('after 20 ms');
  });
});
