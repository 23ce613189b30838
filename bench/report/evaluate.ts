import type { Participant } from '../contenders/participants.js';
import type { Figure } from '../rows/row.js';
import { GAVE_UP, LOST, UNSERVED, type Round } from '../rows/sample.js';
import type { Measured } from '../run-row.js';
import { median, sum } from '../statistics.js';
import type { ContenderFigure, FigureResult, RowResult } from './results.js';
import { rounded } from './rounded.js';

/** Makes figures of the samples. */
export function evaluate({ row, participants, rounds, seconds, failures }: Measured): RowResult {
  const lostUpdates = totals(LOST, participants, rounds);
  return {
    id: row.id,
    title: row.title,
    meaning: row.meaning,
    rounds: rounds.length,
    seconds: rounded(seconds),
    figures: row.figures.map((figure) => evaluateFigure(figure, participants, rounds, Object.keys(lostUpdates))),
    lostUpdates,
    gaveUp: totals(GAVE_UP, participants, rounds),
    unserved: totals(UNSERVED, participants, rounds),
    failures,
  };
}

function evaluateFigure(
  figure: Figure,
  participants: readonly Participant[],
  rounds: readonly Round[],
  losers: readonly string[],
): FigureResult {
  const contenders = participants.flatMap((participant) => {
    const values = rounds.flatMap((round) => valueIn(round, figure, participant.name) ?? []);
    return values.length === 0 ? [] : [summarize(participant, values)];
  });
  const ours = contenders.find(({ kind }) => kind === 'ours');
  // A peer that loses updates is left out of the comparison: without exclusion it is always faster.
  const best = bestOf(
    contenders.filter(({ kind, name }) => kind === 'peer' && !losers.includes(name)),
    figure.better,
  );
  const againstBestPeer = ours && best ? ratioOver(rounds, figure, ours.name, best.name) : null;
  return {
    id: figure.relativeTo ? `${figure.id} / ${figure.relativeTo.name}` : figure.id,
    title: figure.title,
    unit: figure.unit,
    better: figure.better,
    detail: figure.detail ?? false,
    contenders,
    bestPeer: best?.name ?? null,
    againstBestPeer: againstBestPeer === null ? null : rounded(againstBestPeer),
    goal: judge(figure, ours?.median ?? null, againstBestPeer),
  };
}

function valueIn(round: Round, { id, relativeTo }: Figure, name: string): number | undefined {
  const value = round.get(name)?.[id];
  if (value === undefined || !relativeTo) return value;
  const base = round.get(relativeTo.name)?.[id];
  return base === undefined ? undefined : value / base;
}

function summarize({ name, kind }: Participant, values: readonly number[]): ContenderFigure {
  return {
    name,
    kind,
    median: rounded(median(values)),
    lowest: rounded(Math.min(...values)),
    highest: rounded(Math.max(...values)),
    rounds: values.map(rounded),
  };
}

function bestOf(contenders: readonly ContenderFigure[], better: 'more' | 'less'): ContenderFigure | undefined {
  const sign = better === 'more' ? 1 : -1;
  return contenders.toSorted((a, b) => sign * (b.median - a.median))[0];
}

function ratioOver(rounds: readonly Round[], figure: Figure, ours: string, best: string): number | null {
  const ratios = rounds.flatMap((round) => {
    const our = valueIn(round, figure, ours);
    const their = valueIn(round, figure, best);
    return our === undefined || their === undefined ? [] : [our / their];
  });
  return ratios.length === 0 ? null : median(ratios);
}

function judge({ goal }: Figure, value: number | null, againstBestPeer: number | null): FigureResult['goal'] {
  if (!goal) return null;
  const judged = goal.withBestPeer ? againstBestPeer : value;
  return { text: goal.text, reached: judged === null ? null : goal.isReached(judged) };
}

function totals(id: string, participants: readonly Participant[], rounds: readonly Round[]): Record<string, number> {
  const counts = participants.map(
    ({ name }) => [name, sum(rounds.map((round) => round.get(name)?.[id] ?? 0))] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count !== 0));
}
