const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in at most two units: `450 ms`, `12.3 s`, `3 min 20 s`, `2 d 4 h`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < SECOND) return `${String(Math.max(0, Math.round(milliseconds)))} ms`;
  if (milliseconds < MINUTE) return `${(Math.floor(milliseconds / 100) / 10).toFixed(1)} s`;
  if (milliseconds < HOUR) return inTwo(milliseconds, MINUTE, 'min', SECOND, 's');
  if (milliseconds < DAY) return inTwo(milliseconds, HOUR, 'h', MINUTE, 'min');
  return inTwo(milliseconds, DAY, 'd', HOUR, 'h');
}

function inTwo(milliseconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((milliseconds % large) / small);
  const whole = `${String(Math.floor(milliseconds / large))} ${largeName}`;
  return rest === 0 ? whole : `${whole} ${String(rest)} ${smallName}`;
}
