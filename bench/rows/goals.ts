/** The value that a figure should reach, in the words of the design. */
export interface Goal {
  readonly text: string;
  /** Compares with the best peer, not with a number. */
  readonly withBestPeer: boolean;
  /** Whether the figure, or its ratio to that of the best peer, is good enough. */
  isReached(value: number): boolean;
}

export function atLeast(bound: number, unit = ''): Goal {
  return { text: `≥ ${String(bound)}${unit}`, withBestPeer: false, isReached: (value) => value >= bound };
}

export function atMost(bound: number, unit = ''): Goal {
  return { text: `≤ ${String(bound)}${unit}`, withBestPeer: false, isReached: (value) => value <= bound };
}

export function timesBestPeer(bound: number): Goal {
  return { text: `≥ ${String(bound)}× best peer`, withBestPeer: true, isReached: (ratio) => ratio >= bound };
}

export function partOfBestPeer(part: number): Goal {
  return { text: `≤ 1/${String(part)} of best peer`, withBestPeer: true, isReached: (ratio) => ratio <= 1 / part };
}
