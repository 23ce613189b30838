import type { FigureResult } from './results.js';

/** Units that stand right behind the number. */
const ATTACHED = new Set(['', '×', '/s']);

/** A figure for people, with its unit. */
export function formatFigure(value: number, unit: string): string {
  const number = formatNumber(value, unit);
  return ATTACHED.has(unit) ? `${number}${unit}` : `${number} ${unit}`;
}

/** The number with its significant digits. */
export function formatNumber(value: number, unit: string): string {
  const size = Math.abs(value);
  // A figure without a unit is a count or a fairness, and a fairness of 0.995 is not 1.
  const digits = unit === '' ? 3 : size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

export function verdict({ goal }: FigureResult): string {
  if (!goal) return '';
  if (goal.reached === null) return 'not measured';
  return goal.reached ? 'yes' : 'NO';
}
