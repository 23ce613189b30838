/**
 * A length of time. A bare number is **seconds**; a string carries its unit: `'250ms'`, `'5s'`, `'2m'`, `'1h'`,
 * fractions allowed (`'1.5s'`). Rounded to whole milliseconds.
 *
 * A bare number above 300 is refused, because it nearly always is milliseconds passed as seconds: write `'10m'` for what
 * is really that long.
 *
 * @example
 * await locking.execute('report', build, { timeout: 2, expire: '90s' });
 */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h`;
