/**
 * Resolves after `milliseconds`, or as soon as `signal` aborts.
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
    const timer = setTimeout(end, milliseconds);
    if (!keepAlive) timer.unref();
    signal.addEventListener('abort', end);
  });
}
