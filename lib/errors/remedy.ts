/**
 * The remedy for an operator, if the error has one in its property `remedy`: whole sentences, to
 * stand after its message.
 */
export function remedyOf(error: unknown): string | undefined {
  const remedy = error instanceof Error && 'remedy' in error ? error.remedy : undefined;
  return typeof remedy === 'string' ? remedy : undefined;
}

/** Notes on `error` what an operator can do about it, where that is known. */
export function withRemedy<E extends Error>(error: E, remedy: string | undefined): E {
  return remedy === undefined ? error : Object.assign(error, { remedy });
}
