/** A row of a file of bookings. */
export interface Row {
  readonly id: string;
  readonly cents: number;
}

const ROWS_EACH = 400;

/** The files to import. */
export const FILES = ['january', 'february', 'march', 'april', 'may', 'june'].map((month) => `${month}.csv`);

/** Stands for reading a file. */
export function rowsOf(file: string): Row[] {
  return Array.from({ length: ROWS_EACH }, (_, line) => ({
    id: `${file}:${line + 1}`,
    cents: 100 + ((line * 37) % 900),
  }));
}
