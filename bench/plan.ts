/** How much time the bench gives itself. */
export interface Plan {
  readonly quick: boolean;
  /** The first in the full mode, the second in the quick one. */
  readonly choose: (full: number, quick: number) => number;
}

export function planFor(quick: boolean): Plan {
  return { quick, choose: (full, short) => (quick ? short : full) };
}
