import { compileTemplate } from './compile-template.js';
import { renderTemplate } from './render-template.js';
import { scanTemplate } from './scan-template.js';
import type { TemplateRoots, TemplateScope } from './template-roots.js';

/** A parsed key template: made once at decoration, rendered at every call. */
export interface KeyTemplate {
  /** The template as it was written, for messages and logs. */
  readonly source: string;

  /** Whether it has no placeholder: then all calls lock the same key. */
  readonly isConstant: boolean;

  /**
   * The keys this call locks: one, or one per element where the template has `[]`, in the order of the elements and
   * with their duplicates. Never an empty list and never an empty key: throws `LockKeyError` instead.
   */
  render(scope: TemplateScope): string[];
}

/**
 * Parses `order:<0.customer.id>` once, so that a call only has to read and join.
 *
 * - `<0.customer.id>`: `root.path.to.value`; `roots` says which roots there are.
 * - `.3` or `[3]`: one element of an array. `[]`: one key per element, as in `<0.lines[].sku>`. Placeholders over the
 *   same array go through it together: `<0.lines[].sku>:<0.lines[].lot>` makes pairs.
 * - `<<`: a literal `<`. A `>` outside a placeholder stands for itself.
 *
 * Strings, finite numbers, bigints and booleans are values, by their text: `42` and `'42'` name the same key, on
 * purpose, as the same id often comes once from a URL and once from the database. Texts that differ never make the
 * same key; see `escape-value.ts` for how.
 *
 * @throws LockKeyError if the template is malformed, with the column and the remedy.
 *
 * @example
 * const template = parseKeyTemplate('order:<0.customer.id>', METHOD_ROOTS);
 * template.render(methodScope(this, args)); // ['order:42']
 */
export function parseKeyTemplate(source: string, roots: TemplateRoots): KeyTemplate {
  const plan = compileTemplate(scanTemplate(source, roots));
  return { source, isConstant: plan.parts.length === 0, render: (scope) => renderTemplate(plan, scope) };
}
