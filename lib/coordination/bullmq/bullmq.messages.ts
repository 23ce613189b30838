import { onOneLine, quote } from '../../errors/quote.js';

/** What the messages call the job. */
function nameOf(job: { readonly id?: string; readonly queueName?: string }): string {
  return `Job ${quote(job.id ?? '')} of the queue ${quote(job.queueName ?? '')}`;
}

export function notCalledByWorker(caller: string): string {
  return `${caller}: the processor was called without a job of BullMQ and the token of its worker, so a job whose key is taken could not be put back. Leave the call to the worker; in a test, add the job to a queue, or call the method that does the work instead.`;
}

export function unknownOption(caller: string, name: string, known: readonly string[]): string {
  return `${caller}: ${quote(name)} is not an option. Known are: ${known.join(', ')}.`;
}

export function notAFunction(caller: string, option: string): string {
  return `${caller}: ${option} must be a function.`;
}

export function badStoreDown(caller: string): string {
  return `${caller}: onStoreDown must be 'delay' or 'fail'.`;
}

export function badKey(caller: string): string {
  return `${caller}: the key must be a template such as 'payment:<0.data.paymentId>', or a function of the job.`;
}

export function noService(caller: string): string {
  return `${caller}: the first argument must be the LockingService. Inject it, or get it with app.get(LockingService).`;
}

export function storeDown(job: { readonly id?: string; readonly queueName?: string }, error: Error): string {
  return `${nameOf(job)} was put back, as the store of the locks cannot be asked; it and others are tried again until it can. ${onOneLine(error.message)}`;
}

export function notPutBack(job: { readonly id?: string; readonly queueName?: string }, error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  return `${nameOf(job)} is not to be run yet, and could not be put back, as the store of the queue refused it. It was not run and uses up no attempt; the queue gives it to a worker again once it takes it for stalled, after lockDuration. ${onOneLine(why)}`;
}

export function cancelled(job: { readonly id?: string; readonly queueName?: string }, reason: unknown): string {
  return `${nameOf(job)} was cancelled while it waited for its lock${typeof reason === 'string' ? `: ${onOneLine(reason)}` : '.'}`;
}
