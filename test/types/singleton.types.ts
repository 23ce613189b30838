import { of, type Observable } from 'rxjs';
import { Singleton } from '../../lib/index.js';

/** Compiled, never run: code that `@Singleton` must accept or refuse. */

export class Accepted {
  @Singleton('report:<0>', { join: true, expire: '1m' })
  async template(year: number): Promise<number | undefined> {
    return Promise.resolve(year);
  }

  @Singleton((scope: { tenant: string }) => `clean:${scope.tenant}`)
  async keyFunction(scope: { tenant: string }): Promise<string | undefined> {
    return Promise.resolve(scope.tenant);
  }
}

export class Refused {
  // @ts-expect-error -- a skipped call resolves with undefined
  @Singleton('report')
  async skips(): Promise<string> {
    return Promise.resolve('done');
  }

  // @ts-expect-error -- so does one that would join a run in another process
  @Singleton((year: number) => `report:${year}`, { join: true })
  async joins(year: number): Promise<number> {
    return Promise.resolve(year);
  }

  // @ts-expect-error -- its end is not known
  @Singleton('stream')
  stream(): Observable<number> {
    return of(1);
  }

  // @ts-expect-error -- it never waits
  @Singleton('report', { timeout: '5s' })
  async waits(): Promise<void> {
    return Promise.resolve();
  }

  // @ts-expect-error -- the function wants another argument than the method gets
  @Singleton((year: number) => `report:${year}`)
  async otherArgument(year: string): Promise<string> {
    return Promise.resolve(year);
  }
}
