import type { Observable } from 'rxjs';
import type { LockTimeoutError } from '../errors/index.js';

/**
 * Any value that a function can return. Spelt out, as the compiler keeps literals only where primitives are named: `'busy'` is
 * inferred as such then, and not as any string.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-invalid-void-type -- with null, undefined and void it is everything
export type AnyResult = string | number | bigint | boolean | symbol | {} | null | undefined | void;

/** What the compiler shows where a call that is not run returns what the method does not: a property that no method has. */
export interface ResultMismatch<MethodResult, CallResult> {
  readonly 'The return type of the method must admit what a call returns that is not run': {
    readonly methodReturns: MethodResult;
    readonly callNotRunReturns: CallResult;
  };
}

/** What the compiler shows where a fallback cannot be called as the method is. */
export interface FallbackMismatch<FallbackArguments, MethodArguments> {
  readonly 'The fallback does not take the arguments of the method': {
    readonly fallbackTakes: FallbackArguments;
    readonly methodTakes: MethodArguments;
  };
}

/** What the compiler shows where `observable: true` is given for another method. */
export interface StreamMismatch<MethodResult> {
  readonly 'observable: true is for methods that return an Observable': { readonly methodReturns: MethodResult };
}

/** A function whose body ends without `return` returns `undefined`. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- that is what such a function returns to the compiler
export type Returned<Result> = Result extends void ? undefined : Result;

/** What an Observable emits in place of its own values; of a Promise or a plain value, that value. */
export type Emitted<Result> = Result extends Observable<infer Value> ? Value : Awaited<Result>;

/**
 * Whether a method may return `Result` as well: `unknown` then, else a type that says what is wrong. It asks whether a
 * function that returns nothing else could stand for the method, which holds for each overload of it, and for each type
 * that a generic one may be called with.
 */
export type Returns<Decorated extends (...args: never[]) => unknown, Result> = ((
  ...args: unknown[]
) => Result) extends Decorated
  ? unknown
  : ResultMismatch<ReturnType<Decorated>, Result>;

/** Whether a method that returns a Promise may resolve with `Result` as well; see {@link Returns}. */
export type ResolvesWith<Decorated extends (...args: never[]) => unknown, Result> = [Result] extends [never]
  ? unknown
  : Returns<Decorated, Promise<Awaited<Returned<Result>>>>;

/** Whether a method that returns an Observable may emit `Result` as well; see {@link Returns}. */
export type Emits<Decorated extends (...args: never[]) => unknown, Result> = [Result] extends [never]
  ? unknown
  : Returns<Decorated, Observable<Emitted<Returned<Result>>>>;

/** Whether a fallback that is called with `FallbackArguments` can be called with those of a method. */
export type TakesArguments<Decorated extends (...args: never[]) => unknown, FallbackArguments extends unknown[]> = [
  FallbackArguments,
] extends [never]
  ? unknown
  : Parameters<Decorated> extends [...FallbackArguments, ...unknown[]]
    ? unknown
    : FallbackMismatch<FallbackArguments, Parameters<Decorated>>;

/** A function as `onUnavailable`. */
export type Fallback<Args extends unknown[], Result> = (error: LockTimeoutError, ...args: Args) => Result;

/** `undefined`, where a call may be skipped. */
export type Skipped<Unavailable> = Unavailable extends 'skip' ? undefined : never;

/** What the fallback returns, where there is one. */
export type FallbackResult<Unavailable> = Unavailable extends (...args: never[]) => unknown
  ? ReturnType<Unavailable>
  : never;

type FallbackArguments<Unavailable> = Unavailable extends (error: never, ...args: infer Args) => unknown ? Args : never;

/** Whether a method may come to what `onUnavailable` makes of a call. A skipped Observable completes empty. */
export type AdmitsUnavailable<Decorated extends (...args: never[]) => unknown, Unavailable> = TakesArguments<
  Decorated,
  FallbackArguments<Unavailable>
> &
  (ReturnType<Decorated> extends Observable<unknown>
    ? Emits<Decorated, FallbackResult<Unavailable>>
    : ResolvesWith<Decorated, FallbackResult<Unavailable> | Skipped<Unavailable>>);

/** Whether a method returns an Observable, where `Stream` says so. */
export type IsStream<Decorated extends (...args: never[]) => unknown, Stream> = Stream extends true
  ? ReturnType<Decorated> extends Observable<unknown>
    ? unknown
    : StreamMismatch<ReturnType<Decorated>>
  : unknown;
