/** Whether `text` is an array index as JavaScript itself would write it. */
export function isArrayIndex(text: string): boolean {
  return /^(?:0|[1-9]\d*)$/.test(text);
}

/** Which names a placeholder may begin with. Known at decoration, so that a misspelt one fails there. */
export interface TemplateRoots {
  has(root: string): boolean;
  /** What there is, in words: ends the message about an unknown root. */
  readonly described: string;
}

/**
 * What the roots stand for in one call. Asked at most once per root and rendering, with a number for an argument's
 * position and a string for a name; `undefined` says that this call has no such thing. A `LockKeyError` thrown by it
 * reaches the caller as it is.
 */
export type TemplateScope = (root: string | number) => unknown;

/** The roots of `@WithLock`: the position of an argument, and `this`. */
export const METHOD_ROOTS: TemplateRoots = {
  has: (root) => root === 'this' || isArrayIndex(root),
  described: `an argument's position, such as <0> or <1.id>, and <this.name> for a property of the instance`,
};

const REQUEST_NAMES = ['params', 'query', 'body', 'headers', 'user', 'args', 'context', 'data'];

/** The roots of `@LockRequest`: the parts of an HTTP request, a GraphQL operation or a message. */
export const REQUEST_ROOTS: TemplateRoots = {
  has: (root) => REQUEST_NAMES.includes(root),
  described: `${REQUEST_NAMES.slice(0, -1).join(', ')} and ${REQUEST_NAMES.at(-1)}, as in <params.id>`,
};

/** The scope of a method call, for templates parsed with `METHOD_ROOTS`. */
export function methodScope(self: unknown, args: readonly unknown[]): TemplateScope {
  return (root) => (typeof root === 'number' ? args[root] : self);
}
