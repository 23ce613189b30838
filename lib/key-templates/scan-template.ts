import { malformed, notAString } from './key-template.messages.js';
import { parsePath, type Path } from './parse-path.js';
import { isArrayIndex, type TemplateRoots } from './template-roots.js';

/** A template in its parts: `literals` is one longer than `paths`, and stands around and between them. */
export interface ScannedTemplate {
  readonly source: string;
  readonly literals: readonly string[];
  readonly paths: readonly Path[];
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** A placeholder as other template languages write it: `{0}`, `${0.id}`, `#{params.id}`. */
const FOREIGN_PLACEHOLDER = /(?<sigil>[$#])?\{\s*(?<path>(?<root>[^{}<>.[\]\s]+)[^{}<>\s]*)\s*\}/g;

/** Tells a template's literal text from its placeholders. */
export function scanTemplate(source: string, roots: TemplateRoots): ScannedTemplate {
  // callers in plain JavaScript, and templates computed from an untyped setting
  if (typeof source !== 'string') throw notAString();
  if (source === '') throw malformed(source, 1, 'it is empty', 'Give the lock a name, such as "nightly-report".');
  // it would become U+FFFD on its way to the store, and there meet the key of another template
  const lone = source.search(LONE_SURROGATE);
  if (lone >= 0) throw malformed(source, lone + 1, 'half of a surrogate pair', 'Write the whole character.');

  const literals: string[] = [];
  const paths: Path[] = [];
  let literal = '';
  let at = 0;
  for (let open = source.indexOf('<'); open >= 0; open = source.indexOf('<', at)) {
    literal += source.slice(at, open);
    if (source[open + 1] === '<') {
      literal += '<';
      at = open + 2;
      continue;
    }
    const text = insideOf(source, open);
    paths.push(parsePath(source, text, open + 2, roots));
    literals.push(literal);
    literal = '';
    at = open + text.length + 2;
  }
  literals.push(literal + source.slice(at));
  refuseForeignPlaceholders(source, paths.length > 0, roots);
  return { source, literals, paths };
}

/**
 * As literal text it would make one key for all calls. A plain word in braces may be meant, though: it is the hash tag
 * of a key in a Redis Cluster.
 */
function refuseForeignPlaceholders(source: string, hasPlaceholder: boolean, roots: TemplateRoots): void {
  for (const { 0: text, index, groups } of source.matchAll(FOREIGN_PLACEHOLDER)) {
    const { sigil, path = '', root = '' } = groups ?? {};
    if (!roots.has(root)) continue;
    const mayBeHashTag = sigil === undefined && path === root && !isArrayIndex(root) && hasPlaceholder;
    if (mayBeHashTag) continue;
    throw malformed(
      source,
      index + 1,
      `${text} would be literal text, and every call would lock the same key`,
      `Write <${path}>; for literal text like that, give a function that makes the key.`,
    );
  }
}

function insideOf(source: string, open: number): string {
  const close = source.indexOf('>', open);
  const next = source.indexOf('<', open + 1);
  if (close < 0 || (next >= 0 && next < close)) {
    throw malformed(source, open + 1, '"<" without its ">"', 'Close the placeholder; for a literal "<", write "<<".');
  }
  return source.slice(open + 1, close);
}
