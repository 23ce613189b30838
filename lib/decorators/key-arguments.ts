/** What the compiler shows where a key function does not fit its method: a property that no method has. */
export interface KeyFunctionMismatch<KeyArguments, MethodArguments> {
  readonly 'The key function does not take the arguments of the method': {
    readonly keyFunctionTakes: KeyArguments;
    readonly methodTakes: MethodArguments;
  };
}

/** Any method that is called with at least `KeyArguments`; for another one, a type that says what is wrong. */
export type TakesKeyArguments<Decorated extends (...args: never[]) => unknown, KeyArguments extends unknown[]> =
  Parameters<Decorated> extends KeyArguments ? unknown : KeyFunctionMismatch<KeyArguments, Parameters<Decorated>>;
