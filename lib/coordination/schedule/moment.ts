/** A moment by both clocks: one is set, the other stands still while a machine sleeps. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

export function now(): Moment {
  return { wall: Date.now(), monotonic: performance.now() };
}

/** Milliseconds since `moment`, by whichever clock has gone further. */
export function since({ wall, monotonic }: Moment): number {
  return Math.max(Date.now() - wall, performance.now() - monotonic);
}
