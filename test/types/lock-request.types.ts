import { applyDecorators, ConflictException } from '@nestjs/common';
import { of, type Observable } from 'rxjs';
import { LockRequest, type LockRequestContext, type LockRequestOptions } from '../../lib/index.js';

/** Compiled, never run: return types of handlers for the `onUnavailable` of `@LockRequest`. */

interface Order {
  id: string;
}

declare const sharedOptions: LockRequestOptions;

export const composed = applyDecorators(LockRequest('a'), LockRequest('b', { onUnavailable: 'skip' }));

@LockRequest('a', { onUnavailable: 'skip' })
export class Accepted {
  @LockRequest('a', sharedOptions)
  throws(): string {
    return 'done';
  }

  @LockRequest('a', { onUnavailable: 'skip' })
  nothing(): void {
    return;
  }

  @LockRequest('a', { onUnavailable: 'skip' })
  atOnce(): string | undefined {
    return 'done';
  }

  @LockRequest(({ body }: LockRequestContext<{ body: Order }>) => body.id, { onUnavailable: 'skip' })
  async keyFunction(): Promise<Order | undefined> {
    return Promise.resolve(undefined);
  }

  @LockRequest('a', { onUnavailable: 'skip' })
  stream(): Observable<string> {
    return of('completes empty');
  }

  @LockRequest('a', { onUnavailable: () => of('busy') })
  async streamForPromise(): Promise<string> {
    return Promise.resolve('done');
  }

  @LockRequest('a', { onUnavailable: async () => Promise.resolve('busy') })
  promiseForValue(): string {
    return 'done';
  }

  @LockRequest('a', { onUnavailable: (_error, context) => context.getHandler().name })
  valueForStream(): Observable<string> {
    return of('done');
  }

  @LockRequest('a', {
    onUnavailable: () => {
      throw new ConflictException();
    },
  })
  throwing(): string {
    return 'done';
  }

  // with an explicit type argument, the return type is not checked
  @LockRequest<{ body: Order }>(({ body }) => body.id, { onUnavailable: 'skip' })
  async named(): Promise<string> {
    return Promise.resolve('done');
  }
}

export class Refused {
  // @ts-expect-error -- the answer may be empty
  @LockRequest('a', { onUnavailable: 'skip' })
  async skips(): Promise<string> {
    return Promise.resolve('done');
  }

  // @ts-expect-error -- the answer may be empty
  @LockRequest('a', { onUnavailable: 'skip' })
  atOnce(): string {
    return 'done';
  }

  // @ts-expect-error -- the answer may be another
  @LockRequest('a', { onUnavailable: async () => Promise.resolve('busy') })
  async fallback(): Promise<number> {
    return Promise.resolve(1);
  }

  // @ts-expect-error -- the answer may be another
  @LockRequest('a', { onUnavailable: () => of('busy') })
  stream(): Observable<number> {
    return of(1);
  }

  // @ts-expect-error -- there is no such choice
  @LockRequest('a', { onUnavailable: 'skp' })
  async misspelt(): Promise<string> {
    return Promise.resolve('done');
  }
}
