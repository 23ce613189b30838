import 'reflect-metadata';
import { carryOver } from '../decorators/carry-over.js';
import { callHandler } from './handler-run.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** On a method that reports, and on what other decorators make of it: the function that reports. */
const REPORTER = 'nestjs-locking:reports-result';

/** The same method, which lets the run of a request whose handler it is know when it begins and ends. */
export function reportingResult(method: Method): Method {
  const reporting: Method = function (...args) {
    return callHandler(
      (handler) => Reflect.getOwnMetadata(REPORTER, handler) === reporting,
      () => method.apply(this, args),
    );
  };
  carryOver(method, reporting);
  Reflect.defineMetadata(REPORTER, reporting, reporting);
  return reporting;
}

/**
 * Makes the methods of a class report that do not yet: its own, and of those that it inherits the ones that Nest may
 * take for handlers, as their decorators have left metadata on them.
 */
export function reportResultsOf(prototype: object): void {
  const seen = new Set<string | symbol>(['constructor']);
  for (let owner: object | null = prototype; owner && owner !== Object.prototype; owner = parentOf(owner)) {
    for (const name of Reflect.ownKeys(owner)) {
      if (seen.has(name)) continue;
      seen.add(name);
      const descriptor = Object.getOwnPropertyDescriptor(owner, name);
      const method: unknown = descriptor?.value;
      if (typeof method !== 'function' || Reflect.hasOwnMetadata(REPORTER, method)) continue;
      if (owner === prototype ? !descriptor?.configurable : Reflect.getOwnMetadataKeys(method).length === 0) continue;
      Object.defineProperty(prototype, name, { ...descriptor, value: reportingResult(method as Method) });
    }
  }
}

function parentOf(prototype: object): object | null {
  return Object.getPrototypeOf(prototype) as object | null;
}
