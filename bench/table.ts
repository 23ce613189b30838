import type { Row } from './measure.js';

const HEADINGS = ['work', 'locked/s', 'without/s', 'ratio', '(range)', 'added ns', '"without" is'];

/** Columns that are text; the others are figures and stand to the right. */
const TEXT_COLUMNS = new Set([0, HEADINGS.length - 1]);

export function formatTable(rows: readonly Row[]): string {
  const lines = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines
    .map((cells) =>
      cells
        .map((cell, column) =>
          TEXT_COLUMNS.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cellsOf(row: Row): string[] {
  return [
    row.title,
    thousands(row.locked),
    thousands(row.baseline),
    row.ratio.toFixed(3),
    `${row.lowestRatio.toFixed(3)}–${row.highestRatio.toFixed(3)}`,
    thousands(1e9 / row.locked - 1e9 / row.baseline),
    row.baselineTitle,
  ];
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en');
}
