const TIME_LIMIT_MS = 45_000;

/** Thrown when a signal ends the demo; carries the exit code that a shell expects. */
export class Interruption extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

/** Rejects on Ctrl-C, on SIGTERM, and when the demo hangs: the demo ends its processes in each of these cases. */
export async function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    const end = (message: string, exitCode: number) => (): void => {
      reject(new Interruption(message, exitCode));
    };
    process.on('SIGINT', end('interrupted', 130)).on('SIGTERM', end('terminated', 143));
    setTimeout(end(`not done after ${TIME_LIMIT_MS / 1000} s`, 1), TIME_LIMIT_MS);
  });
}
