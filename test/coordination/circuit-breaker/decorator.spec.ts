import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Injectable, Logger, Param, UseFilters } from '@nestjs/common';
import { of } from 'rxjs';
import {
  CircuitBreakerState,
  isCircuitOpenError,
  LockExceptionFilter,
  LockingService,
  WithCircuitBreaker,
  WithLock,
  type CircuitBreakerOptions,
  type CircuitOpenError,
} from '../../../lib/index.js';
import { rejectionOf } from '../../support/poll.js';
import { useApps, useLockingApps } from '../../support/nest-apps.js';

const OPTIONS = { minimumCalls: 2, openFor: '1h', minInstances: 1 } as const satisfies CircuitBreakerOptions;

@Injectable()
class Payments {
  readonly prefix = 'paid';
  calls = 0;

  @WithCircuitBreaker('stripe', OPTIONS)
  async charge(order: string): Promise<string> {
    this.calls += 1;
    if (order === 'bad') throw new Error('stripe is down');
    return Promise.resolve(`${this.prefix} ${order}`);
  }

  @WithCircuitBreaker('stripe', {
    ...OPTIONS,
    fallback(this: Payments, error: CircuitOpenError, order: string) {
      return `${this.prefix} later: ${order}, ${error.circuit} is ${error.state}`;
    },
  })
  async chargeLater(order: string): Promise<string> {
    return this.charge(order);
  }

  @WithCircuitBreaker('psp:<0.region>', OPTIONS)
  async inRegion(order: { region: string }): Promise<string> {
    return Promise.resolve(order.region);
  }

  @WithCircuitBreaker((region: string) => `psp:${region}`, OPTIONS)
  async byFunction(region: string): Promise<string> {
    return Promise.resolve(region);
  }

  @WithCircuitBreaker(() => ['a', 'b'], OPTIONS)
  async severalNames(): Promise<void> {
    await Promise.resolve();
  }

  @WithCircuitBreaker('stream', OPTIONS)
  async stream(): Promise<unknown> {
    return Promise.resolve(of(1));
  }

  @WithCircuitBreaker('locked', OPTIONS)
  @WithLock('order', { timeout: 0 })
  async locked(): Promise<string> {
    return Promise.resolve('locked');
  }
}

@Injectable()
class Overriding extends Payments {
  @WithCircuitBreaker('stripe', OPTIONS)
  override async charge(order: string): Promise<string> {
    return `${await super.charge(order)} twice`;
  }
}

@Controller()
@UseFilters(LockExceptionFilter)
class PaymentsController {
  @Get(':order')
  @WithCircuitBreaker('stripe', OPTIONS)
  async charge(@Param('order') order: string): Promise<string> {
    return Promise.resolve(order);
  }
}

beforeEach(() => {
  jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('@WithCircuitBreaker', () => {
  const startLocking = useLockingApps();
  const start = async () => {
    const app = await startLocking({ providers: [Payments, Overriding], controllers: [PaymentsController] });
    return { app, payments: app.get(Payments), circuits: app.get(CircuitBreakerState) };
  };

  it('calls fail with the error of the method until the circuit opens, and are not made then', async () => {
    const { payments } = await start();
    expect(await payments.charge('1')).toBe('paid 1');
    expect((await rejectionOf(payments.charge('bad'))).message).toBe('stripe is down');
    const error = await rejectionOf(payments.charge('2'));
    expect(isCircuitOpenError(error) && error).toMatchObject({
      name: 'CircuitOpenError',
      code: 'CIRCUIT_OPEN',
      circuit: 'stripe',
      state: 'open',
    });
    expect(payments.calls).toBe(2);
  });

  it('the fallback is called for an open circuit, with the call, and not for an error of the method', async () => {
    const { payments, circuits } = await start();
    expect((await rejectionOf(payments.chargeLater('bad'))).message).toBe('stripe is down');
    // A call of the same circuit inside is part of the call.
    expect(await circuits.getState('stripe', OPTIONS)).toMatchObject({ calls: 1, failures: 1 });
    await circuits.setState('stripe', 'open', OPTIONS);
    expect(await payments.chargeLater('1')).toBe('paid later: 1, stripe is open');
  });

  it('an override that calls super counts once, and is a probe as a whole', async () => {
    const { app, circuits } = await start();
    const overriding = app.get(Overriding);
    expect(await overriding.charge('1')).toBe('paid 1 twice');
    expect(await circuits.getState('stripe', OPTIONS)).toMatchObject({ calls: 1 });
    await circuits.setState('stripe', 'half-open', OPTIONS);
    expect(await overriding.charge('1')).toBe('paid 1 twice');
    expect((await circuits.getState('stripe', OPTIONS)).state).toBe('closed');
  });

  it('names of circuits are templates and functions of the arguments', async () => {
    const { payments, circuits } = await start();
    await circuits.setState('psp:eu', 'open', OPTIONS);
    expect(await payments.inRegion({ region: 'us' })).toBe('us');
    expect(isCircuitOpenError(await rejectionOf(payments.inRegion({ region: 'eu' })))).toBe(true);
    expect(isCircuitOpenError(await rejectionOf(payments.byFunction('eu')))).toBe(true);
    expect((await rejectionOf(payments.severalNames())).message).toMatch(/gave several names/);
    expect((await rejectionOf(payments.inRegion({} as never))).name).toBe('LockKeyError');
  });

  it('a busy lock is no failure of the service', async () => {
    const { app, payments, circuits } = await start();
    await using held = await app.get(LockingService).acquire('order');
    expect(held.held).toBe(true);
    for (let call = 0; call < 3; call += 1) {
      expect((await rejectionOf(payments.locked())).name).toBe('LockTimeoutError');
    }
    expect(await circuits.getState('locked', OPTIONS)).toMatchObject({ state: 'closed', calls: 0 });
  });

  it('an Observable is refused, with the remedy', async () => {
    const { payments } = await start();
    expect((await rejectionOf(payments.stream())).message).toMatch(
      /^@WithCircuitBreaker on Payments\.stream: the call returned an Observable.*firstValueFrom/,
    );
  });

  it('over HTTP, the exception filter answers an open circuit with 503 and Retry-After', async () => {
    const { app, circuits } = await start();
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    expect((await fetch(`${url}/1`)).status).toBe(200);
    await circuits.setState('stripe', 'open', { ...OPTIONS, for: '20s' });
    const response = await fetch(`${url}/1`);
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(15);
    expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(20);
    expect(await response.json()).toEqual({
      statusCode: 503,
      message: 'The service cannot process the request at the moment, try again later.',
      error: 'Service Unavailable',
      code: 'CIRCUIT_OPEN',
    });
    await circuits.setState('stripe', 'open', { ...OPTIONS, for: null });
    expect((await fetch(`${url}/1`)).headers.get('retry-after')).toBe('60');
  });

  it.each([
    ['options that cannot work', () => WithCircuitBreaker('a', { failureRatio: 2 }), /^failureRatio/],
    ['an unknown option', () => WithCircuitBreaker('a', { timeout: '1s' } as never), /"timeout" is not an option/],
    [
      'a fallback that is none',
      () => WithCircuitBreaker('a', { fallback: 1 } as never),
      /^fallback must be a function/,
    ],
    ['a malformed template', () => WithCircuitBreaker('a:<0'), /<0/],
    ['an empty name', () => WithCircuitBreaker(''), /empty/],
  ])('refuses %s at decoration', (_, decorate, message) => {
    expect(decorate).toThrow(message);
  });

  it('refuses what is no method of instances', () => {
    expect(() => {
      class Static {
        @WithCircuitBreaker('a')
        static async call(): Promise<void> {
          return Promise.resolve();
        }

        readonly instance = true;
      }
      return Static;
    }).toThrow(/only methods of instances/);
  });

  describe('without the module', () => {
    const startApps = useApps();

    it('the application does not start', async () => {
      expect((await rejectionOf(startApps({ providers: [Payments] }))).message).toMatch(
        /CircuitBreakerState|LockingService/,
      );
    });

    it('an object that Nest has not made refuses the call', async () => {
      expect((await rejectionOf(new Payments().charge('1'))).message).toMatch(/has not injected CircuitBreakerState/);
    });
  });
});
