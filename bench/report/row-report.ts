import { formatFigure } from './format.js';
import type { FigureResult, RowResult } from './results.js';
import { alignColumns } from './table.js';

/** Everything about one row. */
export function reportRow(row: RowResult): string {
  const rounds = `${String(row.rounds)} ${row.rounds === 1 ? 'round' : 'rounds'}`;
  const title = `${row.title} (${rounds}, ${row.seconds.toFixed(0)} s)`;
  const lines = [...table(row), ...remarks(row).map((remark) => `! ${remark}`)];
  return [title, ...lines.map((line) => `  ${line}`)].join('\n');
}

/** One row for each contender and one column for each figure; the other way round if there is only one contender. */
function table({ figures }: RowResult): string[] {
  const names = [...new Set(figures.flatMap(({ contenders }) => contenders.map(({ name }) => name)))];
  if (names.length < 2)
    return alignColumns(
      figures.map((figure) => [figure.title, cell(figure, names[0] ?? '')]),
      [1],
    );
  const heading = ['', ...figures.map(({ title }) => title)];
  const lines = names.map((name) => [name, ...figures.map((figure) => cell(figure, name))]);
  return alignColumns([heading, ...lines], heading.map((_, i) => i).slice(1));
}

function cell(figure: FigureResult, name: string): string {
  const found = figure.contenders.find((contender) => contender.name === name);
  return found ? formatFigure(found.median, figure.unit) : '–';
}

function remarks({ lostUpdates, gaveUp, unserved, failures }: RowResult): string[] {
  return [
    ...Object.entries(lostUpdates).map(([name, count]) => `${name} LOST ${count.toLocaleString('en')} updates`),
    ...Object.entries(gaveUp).map(
      ([name, count]) => `${name} gave up ${count.toLocaleString('en')} times, and was called again`,
    ),
    ...Object.entries(unserved).map(
      ([name, count]) => `${name} left ${count.toLocaleString('en')} waiting when time was up`,
    ),
    ...failures,
  ];
}
