import { LeaderOnly, LockRequest, Singleton, WithLock } from 'nestjs-locking';
import { LockedCron } from 'nestjs-locking/schedule';
import { of, type Observable } from 'rxjs';

/** Compiled, never run, without `strict`, as many Nest applications are: every type admits `undefined` there. */
export class Decorated {
  @WithLock('a')
  async withLock(): Promise<string> {
    return Promise.resolve('done');
  }

  @WithLock((id: string) => id, { timeout: 0, onUnavailable: 'skip' })
  async skips(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  @WithLock('a', { onUnavailable: (error, id: string) => `${error.code} ${id}` })
  async fallback(id: string): Promise<string> {
    return Promise.resolve(id);
  }

  @WithLock('a', { observable: true })
  stream(): Observable<number> {
    return of(1);
  }

  @Singleton('a')
  async singleton(): Promise<string> {
    return Promise.resolve('done');
  }

  @LeaderOnly('e')
  async leaderOnly(): Promise<string> {
    return Promise.resolve('done');
  }

  @LockRequest('a')
  handler(): string {
    return 'done';
  }

  @LockRequest('a', { onUnavailable: 'skip' })
  async skippedHandler(): Promise<string> {
    return Promise.resolve('done');
  }

  @LockedCron('* * * * *', { name: 'a' })
  async tick(): Promise<void> {
    return Promise.resolve();
  }
}
