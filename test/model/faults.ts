/** Traffic between a process and the store: calls of four kinds, the subscription and its messages. */
export type Primitive = 'acquire' | 'extend' | 'release' | 'other' | 'listen' | 'message';

/**
 * How one of them fails. `refuse`: it certainly does not arrive. `fail`: it does not arrive, but the process cannot
 * know. `lose`: it is carried out, and the answer is lost. `delay`: it arrives after `letGo`. `hold`: it is carried
 * out, and answered after `letGo`. `holdAndLose`: it is carried out, and fails after `letGo`. `twice`: it is carried
 * out twice. `resend`: it is carried out, and once more after `letGo`.
 */
export type Fault = 'refuse' | 'fail' | 'lose' | 'delay' | 'hold' | 'holdAndLose' | 'twice' | 'resend';

interface Parked {
  readonly primitive: Primitive;
  readonly go: () => void;
}

/** The faults to come for one process, and its delayed calls. */
export class Faults {
  private readonly coming = new Map<Primitive, Fault[]>();
  private readonly parked: Parked[] = [];
  private lastTrouble = -Infinity;

  constructor(private readonly now: () => number) {}

  /** The next `times` calls of this kind fail. */
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

  /** Resolves after `letGo`. */
  park(primitive: Primitive): Promise<void> {
    return new Promise((go) => this.parked.push({ primitive, go }));
  }

  /** One of the delayed calls goes on. */
  letGo(index: number): void {
    const [one] = this.parked.splice(index % Math.max(1, this.parked.length), 1);
    if (one && isCall(one)) this.troubled();
    one?.go();
  }

  /** A call fails now. */
  troubled(): void {
    this.lastTrouble = this.now();
  }

  /** Since when no call has failed. */
  get calmSince(): number {
    return this.parked.some(isCall) ? this.now() : this.lastTrouble;
  }

  get heldUp(): number {
    return this.parked.length;
  }

  /** Whether messages arrive without a fault. */
  get sparesMessages(): boolean {
    return !this.coming.get('message')?.length && !this.parked.some(({ primitive }) => primitive === 'message');
  }
}

function isCall({ primitive }: Parked): boolean {
  return primitive !== 'listen' && primitive !== 'message';
}

/** A promise, and the function that resolves it. */
export interface Signal {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

export function signal(): Signal {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
