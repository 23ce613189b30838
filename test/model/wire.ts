import { StoreNotReachedError, type InMemoryLockingProvider, type LockingProvider } from '../../lib/index.js';
import type { Ledger } from './ledger.js';
import type { ProcessClock } from './process-clock.js';

export type Primitive = 'acquire' | 'extend' | 'release' | 'other';

/**
 * How one call into the store goes wrong. `refuse`: it certainly does not arrive. `fail`: it does not, but nobody can
 * tell. `lose`: carried out, the answer is lost. `delay`: arrives when let go. `hold`: carried out, answered when let
 * go. `holdAndLose`: carried out, fails when let go. `twice`: carried out twice. `resend`: carried out, and once more
 * when let go.
 */
export type Fault = 'refuse' | 'fail' | 'lose' | 'delay' | 'hold' | 'holdAndLose' | 'twice' | 'resend';

/** What one process has between itself and the store. */
export class Wire {
  private readonly faults = new Map<Primitive, Fault[]>();
  private parked: (() => void)[] = [];
  private lastArrival: Promise<void> = Promise.resolve();
  private lastAnswer: Promise<void> = Promise.resolve();

  /** @param ordered - requests arrive, and answers come, in the order in which they were sent: one connection */
  constructor(
    private readonly process: number,
    private readonly clock: ProcessClock,
    private readonly store: InMemoryLockingProvider,
    private readonly ledger: Ledger,
    private readonly ordered: boolean,
  ) {}

  /** The next `times` calls of this kind go wrong. */
  fail(primitive: Primitive, fault: Fault, times: number): void {
    const faults = this.faults.get(primitive) ?? [];
    this.faults.set(primitive, [...faults, ...Array.from({ length: times }, () => fault)]);
  }

  mend(): void {
    this.faults.clear();
  }

  get parkedCalls(): number {
    return this.parked.length;
  }

  /** One call that is held up goes on. */
  letGo(index: number): void {
    const [go] = this.parked.splice(index % Math.max(1, this.parked.length), 1);
    go?.();
  }

  provider(): LockingProvider {
    const { store, ledger, process } = this;
    return {
      acquire: (requests) =>
        requests.map((request) =>
          this.carry('acquire', async () => {
            const answer = await store.acquire([request])[0]!;
            ledger.granted(process, request, answer);
            return answer;
          }),
        ),
      extend: (requests) =>
        requests.map((request) =>
          this.carry('extend', () => {
            ledger.extended(request);
            return store.extend([request])[0]!;
          }),
        ),
      release: (requests) =>
        requests.map((request) =>
          this.carry('release', async () => {
            const outcomes = await store.release([request])[0]!;
            ledger.released(process, request, outcomes);
            return outcomes;
          }),
        ),
      forceRelease: (keys) =>
        this.carry('other', async () => {
          const count = await store.forceRelease(keys);
          ledger.forced(keys);
          return count;
        }),
      inspect: (keys) => this.carry('other', () => store.inspect(keys)),
      list: (match) => this.list(match),
    };
  }

  private async *list(match?: string): ReturnType<LockingProvider['list'] & InMemoryLockingProvider['list']> {
    const found = await this.carry('other', async () => {
      const leases = [];
      for await (const lease of this.store.list(match)) leases.push(lease);
      return leases;
    });
    yield* found;
  }

  private async carry<T>(primitive: Primitive, execute: () => Promise<T>): Promise<T> {
    const fault = this.faults.get(primitive)?.shift();
    if (fault === 'refuse') throw new StoreNotReachedError('connection refused');
    if (fault === 'fail') throw new Error('connection reset');
    const [arrivedBefore, answeredBefore] = [this.lastArrival, this.lastAnswer];
    const [arrived, answered] = [signal(), signal()];
    [this.lastArrival, this.lastAnswer] = [arrived.promise, answered.promise];
    if (this.ordered) await arrivedBefore;
    if (fault === 'delay') await this.park();
    let answer = await execute();
    if (fault === 'twice') answer = await execute();
    if (fault === 'resend') {
      await this.park();
      answer = await execute();
    }
    arrived.resolve();
    if (fault === 'hold' || fault === 'holdAndLose') await this.park();
    if (this.ordered) await answeredBefore;
    answered.resolve();
    await this.clock.awake();
    if (fault === 'lose' || fault === 'holdAndLose') throw new Error('connection lost');
    return answer;
  }

  private park(): Promise<void> {
    return new Promise((resolve) => this.parked.push(resolve));
  }
}

function signal(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
