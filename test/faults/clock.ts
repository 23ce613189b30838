/** Milliseconds on CLOCK_MONOTONIC, which all processes of this machine share; whole microseconds. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
