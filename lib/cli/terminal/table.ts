import { fit, widthOf } from './width.js';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Whether it may be cut short where the terminal is too narrow. */
  readonly flexible?: boolean;
}

const GAP = '  ';

/** No flexible column gets narrower. */
const NARROWEST = 12;

/**
 * The lines of a table, the first one its titles. Cells have to be printable.
 *
 * @param cells - the width of the terminal; `Infinity` where there is none, and nothing is cut
 */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[], cells: number): string[] {
  const widths = columns.map(({ title }, index) =>
    rows.reduce((most, row) => Math.max(most, widthOf(row[index] ?? '')), widthOf(title)),
  );
  shrink(columns, widths, cells - GAP.length * (columns.length - 1));
  return [columns.map(({ title }) => title), ...rows].map((row) =>
    columns
      .map(({ align }, index) => {
        const width = widths[index] ?? 0;
        const text = fit(row[index] ?? '', width);
        const padding = ' '.repeat(width - widthOf(text));
        return align === 'right' ? padding + text : text + padding;
      })
      .join(GAP)
      .trimEnd(),
  );
}

/** Takes from the widest flexible column until all fit. */
function shrink(columns: readonly Column[], widths: number[], cells: number): void {
  const flexible = columns.flatMap(({ flexible: is }, index) => (is === true ? [index] : []));
  for (;;) {
    const excess = widths.reduce((sum, width) => sum + width, 0) - cells;
    const [widest, next] = flexible.sort((one, other) => (widths[other] ?? 0) - (widths[one] ?? 0));
    if (excess <= 0 || widest === undefined || (widths[widest] ?? 0) <= NARROWEST) return;
    const floor = Math.max(NARROWEST, next === undefined ? 0 : (widths[next] ?? 0) - 1);
    widths[widest] = Math.max(floor, (widths[widest] ?? 0) - excess);
  }
}
