import { setTimeout as delay } from 'node:timers/promises';

/** Polls until the condition is true: for states without an event, such as that of a server. */
export async function eventually(condition: () => boolean | Promise<boolean>, within = 10_000): Promise<void> {
  const deadline = Date.now() + within;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`still not true after ${within} ms: ${condition.toString()}`);
    await delay(10);
  }
}

/** The error that a promise rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`rejected with ${String(error)}, which is no error`, { cause: error });
  }
  throw new Error('it did not reject');
}
