/** A table whose columns are as wide as Prettier makes them. */
export function markdownTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((title, i) => Math.max(3, title.length, ...rows.map((cells) => cells[i]?.length ?? 0)));
  const lineOf = (cells: readonly string[]): string =>
    `| ${widths.map((width, i) => (cells[i] ?? '').padEnd(width)).join(' | ')} |`;
  return [heading, widths.map((width) => '-'.repeat(width)), ...rows].map(lineOf).join('\n');
}
