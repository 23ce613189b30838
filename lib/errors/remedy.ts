/**
 * What an operator can do about `error`, if whoever made it has said so in a property `remedy`: whole sentences, to
 * stand after its message.
 */
export function remedyOf(error: unknown): string | undefined {
  const remedy = error instanceof Error && 'remedy' in error ? error.remedy : undefined;
  return typeof remedy === 'string' ? remedy : undefined;
}
