import { of, type Observable } from 'rxjs';
import { Idempotent } from '../../lib/index.js';

/** Compiled, never run: code that `@Idempotent` must accept or refuse. */

interface Order {
  readonly id: string;
}

export class Accepted {
  @Idempotent({ wait: '2s', principal: ({ user }) => (user as { id: string }).id, headers: ['X-Total'] })
  handler(order: Order): Order {
    return order;
  }

  @Idempotent('order:<0.id>', { fingerprint: (order: Order) => order.id })
  async template(order: Order): Promise<Order> {
    return Promise.resolve(order);
  }

  @Idempotent((order: Order) => `order:${order.id}`, { ttl: '72h', fingerprint: (order: Order) => order.id })
  async keyFunction(order: Order): Promise<Order> {
    return Promise.resolve(order);
  }
}

export class Refused {
  // @ts-expect-error -- the result of a stream is not known
  @Idempotent('stream')
  stream(): Observable<number> {
    return of(1);
  }

  // @ts-expect-error -- it is stored, which takes time
  @Idempotent('now')
  now(): number {
    return 1;
  }

  // @ts-expect-error -- the function wants another argument than the method gets
  @Idempotent((order: Order) => order.id)
  async otherArgument(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  // @ts-expect-error -- a method has no header
  @Idempotent('header', { header: 'X-Key' })
  async header(): Promise<void> {
    return Promise.resolve();
  }
}
