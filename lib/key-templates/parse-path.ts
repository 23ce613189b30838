import { malformed } from './key-template.messages.js';
import { EACH, type Segment } from './plan.js';
import { isArrayIndex, type TemplateRoots } from './template-roots.js';

/** What stands between `<` and `>`. */
export interface Path {
  readonly text: string;
  /** Where its text begins in the template, counted from 1. */
  readonly column: number;
  /** A number where it is the position of an argument. */
  readonly root: string | number;
  readonly segments: readonly Segment[];
}

const INVISIBLE = /[\s\p{Cc}]/u;
const NAME = /[^.[\]]+/y;
const BRACKETS = /\[(0|[1-9]\d*)?\]/y;

/** Takes apart the inside of one placeholder. */
export function parsePath(source: string, text: string, column: number, roots: TemplateRoots): Path {
  const fail = (at: number, problem: string, remedy: string): never => {
    throw malformed(source, column + at, problem, remedy);
  };
  const invisible = text.search(INVISIBLE);
  if (text === '') fail(-1, 'the placeholder <> is empty', `Write what it stands for: ${roots.described}.`);
  if (invisible >= 0) fail(invisible, 'white space in a placeholder', 'Remove it; for a literal "<", write "<<".');

  const root = match(NAME, text, 0)?.[0] ?? '';
  if (!roots.has(root)) fail(0, `<${text}> begins with an unknown root "${root}"`, `There are: ${roots.described}.`);

  const segments: Segment[] = [];
  for (let at = root.length; at < text.length;) {
    if (text[at] === '.') {
      const name = match(NAME, text, at + 1)?.[0];
      if (name === undefined) return fail(at + 1, `empty segment in <${text}>`, 'Name a property after every ".".');
      segments.push(name);
      at += 1 + name.length;
    } else {
      const brackets = match(BRACKETS, text, at);
      if (!brackets) return fail(at, `unexpected "${text[at]}" in <${text}>`, BRACKETS_REMEDY);
      segments.push(brackets[1] ?? EACH);
      at += brackets[0].length;
    }
  }
  return { text, column, root: isArrayIndex(root) ? Number(root) : root, segments };
}

const BRACKETS_REMEDY = 'Write "[]" for every element, "[3]" for one of them, and ".name" for a property.';

function match(sticky: RegExp, text: string, at: number): RegExpExecArray | null {
  sticky.lastIndex = at;
  return sticky.exec(text);
}
