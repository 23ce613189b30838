import type { Cache } from '@nestjs/cache-manager';
import type { Keyv } from 'keyv';
import { of, type Observable } from 'rxjs';
import { CacheOnce, type CacheFlight, type CacheFlightStore } from '../../lib/coordination/cache/index.js';

/** Compiled, never run: code that `nestjs-locking/cache` must accept or refuse. */

export const stores = (keyv: Keyv, manager: Cache): CacheFlightStore[] => [keyv, manager];

export class Accepted {
  @CacheOnce('report:<0>', { ttl: '1m', staleFor: '10m', beta: 1, negativeTtl: false })
  async template(year: number): Promise<number> {
    return Promise.resolve(year);
  }

  @CacheOnce((scope: { tenant: string }) => `limits:${scope.tenant}`)
  async keyFunction(scope: { tenant: string }): Promise<string> {
    return Promise.resolve(scope.tenant);
  }

  async typed(cache: CacheFlight): Promise<number> {
    const total: number = await cache.getOrSet('total', async ({ signal }) => Promise.resolve(Number(signal.aborted)));
    return total + ((await cache.get<number>('total')) ?? 0);
  }
}

export class Refused {
  // @ts-expect-error -- its values come one after another
  @CacheOnce('stream')
  stream(): Observable<number> {
    return of(1);
  }

  // @ts-expect-error -- a value from the cache comes later
  @CacheOnce('report')
  returnsAtOnce(): number {
    return 1;
  }

  // @ts-expect-error -- the key function takes another argument
  @CacheOnce((year: number) => `report:${String(year)}`)
  async otherArgument(year: string): Promise<string> {
    return Promise.resolve(year);
  }

  // @ts-expect-error -- there is no such option
  @CacheOnce('report', { lock: 'load' })
  async noSuchOption(): Promise<void> {
    return Promise.resolve();
  }
}
