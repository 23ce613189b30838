import { of, type Observable } from 'rxjs';
import { WithLock, type OnUnavailable, type WithLockOptions } from '../../lib/index.js';

/** Compiled, never run: return types of methods for the `onUnavailable` of `@WithLock`. */

interface Order {
  id: string;
}

declare const sharedOptions: WithLockOptions;
declare const skipOptions: WithLockOptions<'skip'>;
declare const anyOptions: WithLockOptions<OnUnavailable>;
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what comes from untyped code
declare const anything: any;
declare const late: boolean;

abstract class Abstract {
  abstract run(id: string): Promise<string | undefined>;
}

export class Accepted extends Abstract {
  @WithLock('a', { onUnavailable: 'skip' })
  async nothing(): Promise<void> {
    return Promise.resolve();
  }

  @WithLock('a', { onUnavailable: 'skip' })
  override async run(id: string): Promise<string | undefined> {
    return Promise.resolve(id);
  }

  @WithLock('a', { onUnavailable: 'skip' })
  async skipsUnknown(): Promise<unknown> {
    return Promise.resolve();
  }

  @WithLock('a', { onUnavailable: 'skip' })
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- such methods exist
  async skipsAny(): Promise<any> {
    return Promise.resolve();
  }

  @WithLock('a', { onUnavailable: 'skip' })
  skipsStream(): Observable<string> {
    return of('completes empty');
  }

  @WithLock('a', { onUnavailable: 'skip' })
  protected async skipsGeneric<T>(value: T): Promise<T | undefined> {
    return Promise.resolve(value);
  }

  @WithLock((order: Order) => order.id, { onUnavailable: 'skip' })
  async keyFunction(order: Order): Promise<Order | undefined> {
    return Promise.resolve(order);
  }

  overloaded(id: string): Promise<undefined>;
  overloaded(id: number): Promise<number | undefined>;
  @WithLock('a', { onUnavailable: 'skip' })
  async overloaded(id: string | number): Promise<number | undefined> {
    return Promise.resolve(Number(id));
  }

  @WithLock('a', { onUnavailable: 'throw' })
  async throws(): Promise<string> {
    return Promise.resolve('done');
  }

  @WithLock('a', { onUnavailable: undefined })
  async byDefault(): Promise<string> {
    return Promise.resolve('done');
  }

  @WithLock('a', sharedOptions)
  async shared(): Promise<string> {
    return Promise.resolve('done');
  }

  @WithLock('a', skipOptions)
  async sharedSkip(): Promise<string | undefined> {
    return Promise.resolve('done');
  }

  @WithLock('a', anyOptions)
  async whatever(): Promise<unknown> {
    return Promise.resolve('done');
  }

  @WithLock('a', { onUnavailable: anything })
  async castAway(): Promise<string> {
    return Promise.resolve('done');
  }

  @WithLock('a', { onUnavailable: () => 'busy' })
  async literal(): Promise<'done' | 'busy'> {
    return Promise.resolve('done');
  }

  @WithLock('a', { onUnavailable: async (error) => Promise.resolve(error.keys) })
  async asynchronous(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  @WithLock('a', { onUnavailable: (_error, id: string) => ({ id }) })
  async argument(id: string, amount?: number): Promise<Order> {
    return Promise.resolve({ id: `${id}${String(amount)}` });
  }

  @WithLock('a', { onUnavailable: (error, ...args) => [error.code, args.length] })
  async everyArgument(id: string): Promise<(string | number)[]> {
    return Promise.resolve([id]);
  }

  @WithLock('a', {
    onUnavailable: () => {
      throw new RangeError('busy');
    },
  })
  async throwing(): Promise<string> {
    return Promise.resolve('done');
  }

  @WithLock('a', {
    onUnavailable: (error) => {
      console.warn(error.message);
    },
  })
  async noReturn(): Promise<string | undefined> {
    return Promise.resolve('done');
  }

  @WithLock('a', {
    onUnavailable(this: Accepted, _error, id: string) {
      return this.run(id);
    },
  })
  async bound(id: string): Promise<string | undefined> {
    return Promise.resolve(id);
  }

  @WithLock('a', { onUnavailable: () => of(1) })
  streamOfStream(): Observable<number> {
    return of(2);
  }

  @WithLock('a', { onUnavailable: async () => Promise.resolve(1) })
  streamOfPromise(): Observable<number> {
    return of(2);
  }

  @WithLock('a', { observable: true, onUnavailable: () => 1 })
  streamOfValue(): Observable<number> {
    return of(2);
  }
}

export class Refused<T> {
  // @ts-expect-error -- a skipped call resolves with undefined
  @WithLock('a', { onUnavailable: 'skip' })
  async skips(): Promise<string> {
    return Promise.resolve('done');
  }

  // @ts-expect-error -- null is not undefined
  @WithLock('a', { onUnavailable: 'skip' })
  async skipsNull(): Promise<string | null> {
    return Promise.resolve(null);
  }

  // @ts-expect-error -- it is skipped now and then
  @WithLock('a', { onUnavailable: late ? 'throw' : 'skip' })
  async skipsSometimes(): Promise<string> {
    return Promise.resolve('done');
  }

  // @ts-expect-error -- its callers choose a type without undefined
  @WithLock('a', { onUnavailable: 'skip' })
  async skipsGeneric<V>(value: V): Promise<V> {
    return Promise.resolve(value);
  }

  // @ts-expect-error -- so do those who name the class
  @WithLock('a', { onUnavailable: 'skip' })
  async skipsOfClass(value: T): Promise<T> {
    return Promise.resolve(value);
  }

  overloaded(id: string): Promise<number>;
  overloaded(id: number): Promise<number | undefined>;
  // @ts-expect-error -- one of its overloads promises a number
  @WithLock('a', { onUnavailable: 'skip' })
  async overloaded(id: string | number): Promise<number | undefined> {
    return Promise.resolve(Number(id));
  }

  // @ts-expect-error -- the compiler emits no type that tells which it is, so a skipped call resolves with undefined
  @WithLock('a', { onUnavailable: 'skip' })
  either(): Promise<string> | Observable<string> {
    return of('done');
  }

  // @ts-expect-error -- options that may skip
  @WithLock('a', skipOptions)
  async shared(): Promise<string> {
    return Promise.resolve('done');
  }

  // @ts-expect-error -- options that may do anything
  @WithLock('a', anyOptions)
  async whatever(): Promise<string> {
    return Promise.resolve('done');
  }

  // @ts-expect-error -- the fallback returns another type
  @WithLock('a', { onUnavailable: () => 'buzy' })
  async literal(): Promise<'busy'> {
    return Promise.resolve('busy');
  }

  // @ts-expect-error -- the fallback resolves with another type
  @WithLock('a', { onUnavailable: async () => Promise.resolve('busy') })
  async asynchronous(): Promise<number> {
    return Promise.resolve(1);
  }

  // @ts-expect-error -- the fallback takes another argument
  @WithLock('a', { onUnavailable: (_error, id: number) => id })
  async argument(id: string): Promise<number> {
    return Promise.resolve(Number(id));
  }

  // @ts-expect-error -- the fallback wants an argument that the method does not have
  @WithLock('a', { onUnavailable: (_error, id: string, more: number) => id.repeat(more) })
  async missingArgument(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  // @ts-expect-error -- the fallback emits another type
  @WithLock('a', { onUnavailable: () => of('busy') })
  stream(): Observable<number> {
    return of(1);
  }

  // @ts-expect-error -- a Promise does not emit
  @WithLock('a', { onUnavailable: () => of('busy') })
  async streamInPromise(): Promise<string> {
    return Promise.resolve('done');
  }

  // @ts-expect-error -- it returns a Promise
  @WithLock('a', { observable: true })
  async noStream(): Promise<string> {
    return Promise.resolve('done');
  }
}

// @ts-expect-error -- by default the options are those that throw; see WithLockOptions<'skip'>
export const undeclared: WithLockOptions = { onUnavailable: 'skip' };
