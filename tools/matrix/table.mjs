// @ts-check
const heads = ['column', 'Node', 'Nest', 'ioredis', 'server', 'passed', 'failed', 'skipped', 'seconds'];

/**
 * @param {readonly import('./run-column.mjs').Row[]} rows
 * @param {readonly import('./columns.mjs').Column[]} columns
 * @param {Readonly<Record<string, string>>} versions the versions in package.json
 */
export function resultTable(rows, columns, versions) {
  const cells = rows.map(({ column: name, server, result, seconds }) => {
    const column = columns.find((each) => each.name === name);
    const main = column ? describeColumn(column, versions).slice(0, -1) : [];
    const numbers = [result.passed, result.failed, result.skipped, seconds];
    return [...main, server, ...numbers.map(String)];
  });
  return table([heads, ...cells]);
}

/**
 * @param {readonly import('./columns.mjs').Column[]} columns
 * @param {Readonly<Record<string, string>>} versions the versions in package.json
 */
export function columnTable(columns, versions) {
  return table([heads.slice(0, 5), ...columns.map((column) => describeColumn(column, versions))]);
}

/**
 * @param {import('./columns.mjs').Column} column
 * @param {Readonly<Record<string, string>>} versions
 * @returns {string[]}
 */
function describeColumn({ name, node, server, packages }, versions) {
  const all = { ...versions, ...packages };
  return [name, node, all['@nestjs/core'] ?? '', all['ioredis'] ?? '', server];
}

/** @param {string[][]} lines */
function table(lines) {
  const widths = (lines[0] ?? []).map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
