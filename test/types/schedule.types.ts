import { of, type Observable } from 'rxjs';
import { LockedCron, LockedInterval } from '../../lib/coordination/schedule/index.js';

/** Compiled, never run: methods of `@LockedCron` and `@LockedInterval` resolve with `undefined` where another instance runs. */

export class Accepted {
  @LockedCron('* * * * *', { name: 'a' })
  async nothing(): Promise<void> {
    return Promise.resolve();
  }

  @LockedInterval('b', 1000)
  atOnce(): void {
    return;
  }

  @LockedInterval('c', 1000)
  async result(): Promise<number | undefined> {
    return Promise.resolve(1);
  }
}

export class Refused {
  // @ts-expect-error -- another instance may run the tick
  @LockedCron('* * * * *', { name: 'a' })
  async result(): Promise<number> {
    return Promise.resolve(1);
  }

  // @ts-expect-error -- it returns a Promise
  @LockedInterval('b', 1000)
  atOnce(): number {
    return 1;
  }

  // @ts-expect-error -- the scheduler does not subscribe
  @LockedInterval('c', 1000)
  stream(): Observable<void> {
    return of();
  }
}
