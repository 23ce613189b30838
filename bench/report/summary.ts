import { formatFigure, formatNumber, verdict } from './format.js';
import type { FigureResult, RowResult } from './results.js';
import { alignColumns } from './table.js';

const HEADING = ['work', 'figure', 'this library', '(range)', 'best peer', '', 'goal', 'reached'];

/** This library, the best of the others, and whether the goals of the design are reached. */
export function summarizeRows(rows: readonly RowResult[]): string {
  const lines = rows.flatMap((row) => row.figures.map((figure, i) => [i === 0 ? row.title : '', ...cells(figure)]));
  return alignColumns([HEADING, ...lines], [2, 3, 4]).join('\n');
}

function cells(figure: FigureResult): string[] {
  const ours = figure.contenders.find(({ kind }) => kind === 'ours');
  const best = figure.contenders.find(({ name }) => name === figure.bestPeer);
  const { unit, title, goal } = figure;
  return [
    title,
    ours ? formatFigure(ours.median, unit) : '–',
    ours && ours.rounds.length > 1 ? `${formatNumber(ours.lowest, unit)}–${formatNumber(ours.highest, unit)}` : '',
    best ? formatFigure(best.median, unit) : '–',
    best?.name ?? '',
    goal?.text ?? '',
    verdict(figure),
  ];
}
