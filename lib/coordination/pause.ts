/** A timer of Node fires at once beyond this, in milliseconds: 24.8 days. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Resolves after `milliseconds` (24.8 days at most), or as soon as `signal` aborts.
 *
 * @param keepAlive - whether a process with nothing else to do stays for it
 */
export async function pause(milliseconds: number, signal: AbortSignal, keepAlive = false): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(milliseconds, LONGEST_TIMER));
    if (!keepAlive) timer.unref();
    signal.addEventListener('abort', end);
  });
}
