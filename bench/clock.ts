import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds on a clock that all processes of this machine share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export async function sleep(ms: number): Promise<void> {
  if (ms > 0) await delay(ms);
}

export async function sleepUntil(moment: number): Promise<void> {
  await sleep(moment - now());
}
