/** Prints how long something took, in milliseconds: a report, not a verdict. */
export function reportFigure(what: string, took: readonly number[]): void {
  const sorted = [...took].sort((a, b) => a - b).map(Math.round);
  const median = sorted[Math.floor(sorted.length / 2)];
  process.stdout.write(`recovery: ${what}: median ${median} ms, longest ${sorted.at(-1)} ms, of ${sorted.length}\n`);
}
