/** Columns next to each other. Those in `toTheRight` are figures. */
export function alignColumns(lines: readonly (readonly string[])[], toTheRight: readonly number[] = []): string[] {
  const columns = Math.max(...lines.map((cells) => cells.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...lines.map((cells) => cells[i]?.length ?? 0)));
  return lines.map((cells) =>
    widths
      .map((width, i) => (toTheRight.includes(i) ? (cells[i] ?? '').padStart(width) : (cells[i] ?? '').padEnd(width)))
      .join('  ')
      .trimEnd(),
  );
}
