import { of, type Observable } from 'rxjs';
import { WithCircuitBreaker, type CircuitBreakerOptions, type CircuitOpenError } from '../../lib/index.js';

/** Compiled, never run: code that `@WithCircuitBreaker` must accept or refuse. */

const shared: CircuitBreakerOptions = { failureRatio: 0.5, openFor: '30s', minInstances: 3 };

interface Order {
  readonly id: string;
}

export class Accepted {
  @WithCircuitBreaker('stripe')
  async byDefault(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  @WithCircuitBreaker('stripe', shared)
  async sharedOptions(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  @WithCircuitBreaker('stripe', {
    ...shared,
    fallback: (error, order: Order) => `${order.id} in ${error.retryAfter} s`,
  })
  async fallback(order: Order): Promise<string> {
    return Promise.resolve(order.id);
  }

  @WithCircuitBreaker('stripe', { fallback: async (error: CircuitOpenError) => Promise.resolve(error.state) })
  async asyncFallback(order: Order): Promise<string> {
    return Promise.resolve(order.id);
  }

  @WithCircuitBreaker('stripe', { fallback: () => undefined, isFailure: (error) => error instanceof TypeError })
  async nothing(): Promise<void> {
    return Promise.resolve();
  }

  @WithCircuitBreaker((order: Order) => `psp:${order.id}`, { ...shared, fallback: () => 0 })
  protected async nameFunction(order: Order): Promise<number> {
    return Promise.resolve(order.id.length);
  }
}

export class Refused {
  // @ts-expect-error -- the fallback returns another type
  @WithCircuitBreaker('stripe', { fallback: () => 0 })
  async otherResult(): Promise<string> {
    return Promise.resolve('done');
  }

  // @ts-expect-error -- the fallback takes another argument
  @WithCircuitBreaker('stripe', { fallback: (error: CircuitOpenError, id: number) => `${error.state} ${id}` })
  async otherArgument(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  // @ts-expect-error -- the function of the name takes another argument
  @WithCircuitBreaker((id: number) => `psp:${id}`)
  async otherName(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  // @ts-expect-error -- whether a stream fails is known later
  @WithCircuitBreaker('stripe')
  stream(): Observable<number> {
    return of(1);
  }

  // @ts-expect-error -- there is no such option
  @WithCircuitBreaker('stripe', { timeout: '1s' })
  async otherOption(): Promise<void> {
    return Promise.resolve();
  }

  // @ts-expect-error -- a number is seconds, a text has a unit
  @WithCircuitBreaker('stripe', { openFor: '30 seconds' })
  async otherDuration(): Promise<void> {
    return Promise.resolve();
  }
}
