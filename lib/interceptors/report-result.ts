import { carryOver } from '../decorators/carry-over.js';
import { currentRun } from './handler-run.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** The same method, which tells the run it is the handler of what it has returned: see {@link HandlerRun}. */
export function reportingResult(method: Method): Method {
  const reporting: Method = function (...args) {
    const result = method.apply(this, args);
    const run = currentRun();
    if (run?.context.getHandler() === reporting) run.returned(result);
    return result;
  };
  carryOver(method, reporting);
  return reporting;
}

/** Makes every method of a class report, but for those that `except` excludes. */
export function reportResultsOf(prototype: object, except: (method: object) => boolean): void {
  for (const name of Reflect.ownKeys(prototype)) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
    const method: unknown = descriptor?.value;
    if (name === 'constructor' || typeof method !== 'function' || except(method)) continue;
    if (descriptor?.configurable) {
      Object.defineProperty(prototype, name, { ...descriptor, value: reportingResult(method as Method) });
    }
  }
}
