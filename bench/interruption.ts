/** The signal aborts on SIGINT or SIGTERM. A second Ctrl-C ends the process at once. */
export function watchForInterruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      controller.abort(new Error(`Interrupted by ${signal}`));
    });
  }
  return controller.signal;
}
