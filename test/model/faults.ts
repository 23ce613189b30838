/** What goes between a process and the store: calls of four kinds, the subscription, and the messages that it brings. */
export type Primitive = 'acquire' | 'extend' | 'release' | 'other' | 'listen' | 'message';

/**
 * How one of them goes wrong. `refuse`: it certainly does not arrive. `fail`: it does not, but nobody can tell. `lose`:
 * carried out, the answer is lost. `delay`: arrives when let go. `hold`: carried out, answered when let go.
 * `holdAndLose`: carried out, fails when let go. `twice`: carried out twice. `resend`: carried out, and once more when
 * let go.
 */
export type Fault = 'refuse' | 'fail' | 'lose' | 'delay' | 'hold' | 'holdAndLose' | 'twice' | 'resend';

interface Parked {
  readonly primitive: Primitive;
  readonly go: () => void;
}

/** What is about to go wrong for one process, and what is held up. */
export class Faults {
  private readonly coming = new Map<Primitive, Fault[]>();
  private readonly parked: Parked[] = [];
  private lastTrouble = -Infinity;

  constructor(private readonly now: () => number) {}

  /** The next `times` of this kind go wrong. */
  add(primitive: Primitive, fault: Fault, times: number): void {
    const faults = this.coming.get(primitive) ?? [];
    this.coming.set(primitive, [...faults, ...Array.from({ length: times }, () => fault)]);
  }

  next(primitive: Primitive): Fault | undefined {
    return this.coming.get(primitive)?.shift();
  }

  clear(): void {
    this.coming.clear();
  }

  /** Resolves when let go. */
  park(primitive: Primitive): Promise<void> {
    return new Promise((go) => this.parked.push({ primitive, go }));
  }

  /** One of those that are held up goes on. */
  letGo(index: number): void {
    const [one] = this.parked.splice(index % Math.max(1, this.parked.length), 1);
    if (one && isCall(one)) this.troubled();
    one?.go();
  }

  /** A call goes wrong now. */
  troubled(): void {
    this.lastTrouble = this.now();
  }

  /** Since when no call has gone wrong. */
  get calmSince(): number {
    return this.parked.some(isCall) ? this.now() : this.lastTrouble;
  }

  get heldUp(): number {
    return this.parked.length;
  }

  /** Whether messages arrive as they should. */
  get sparesMessages(): boolean {
    return !this.coming.get('message')?.length && !this.parked.some(({ primitive }) => primitive === 'message');
  }
}

function isCall({ primitive }: Parked): boolean {
  return primitive !== 'listen' && primitive !== 'message';
}

/** A promise, and what resolves it. */
export interface Signal {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

export function signal(): Signal {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
