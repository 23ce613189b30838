import { separating } from './escape-value.js';
import { malformed } from './key-template.messages.js';
import { EACH, isArrayIndex, type Path, type Segment } from './parse-path.js';
import type { ScannedTemplate } from './scan-template.js';

/**
 * One value to be read. Placeholders that begin alike share their steps, so that `<0.order.id>:<0.order.lot>` reads
 * `order` once: a getter that answers differently the second time cannot make a key of two halves.
 */
export interface Step {
  /** Where its value is kept during one rendering. */
  readonly slot: number;
  /** The step whose value has the property; none for a root. */
  readonly parent: Step | undefined;
  /** The name of the property or root; for `EACH`, the index is only known while rendering. */
  readonly name: string | number | typeof EACH;
  /** For messages: its path, cut where an index belongs. */
  readonly label: readonly string[];
  /** For messages: the first placeholder that needs it. */
  readonly placeholder: string;
  /** Whether it is the end of a placeholder, so that its value becomes text. */
  isValue: boolean;
}

/** One `[]`: `element` stands for each element of `array` in turn, and `steps` are read anew for each of them. */
export interface Level {
  readonly array: Step;
  readonly element: Step;
  readonly steps: Step[];
}

/** All that a rendering needs, and nothing that it would have to work out. */
export interface Plan {
  readonly source: string;
  readonly slots: number;
  /** What is read once, in an order in which every parent comes first. */
  readonly steps: readonly Step[];
  /** The `[]`s, outermost first. */
  readonly levels: readonly Level[];
  readonly prefix: string;
  readonly parts: readonly { readonly slot: number; readonly literal: string }[];
}

/** Turns a template into the reads and joins of its rendering. */
export function compileTemplate({ source, literals, paths }: ScannedTemplate): Plan {
  const known = new Map<Step | undefined, Map<Step['name'], Step>>();
  const steps: Step[] = [];
  const levels: Level[] = [];
  let slots = 0;

  const stepOf = (path: Path, parent: Step | undefined, name: Step['name'], into: Step[]): Step => {
    const siblings = known.get(parent) ?? new Map<Step['name'], Step>();
    known.set(parent, siblings);
    let step = siblings.get(name);
    if (!step) {
      step = { slot: slots++, parent, name, label: labelOf(parent, name), placeholder: path.text, isValue: false };
      siblings.set(name, step);
      if (name !== EACH) into.push(step);
    }
    return step;
  };

  const parts = paths.map((path, index) => {
    let into = steps;
    let depth = 0;
    let step = stepOf(path, undefined, path.root, into);
    for (const segment of path.segments) {
      const parent = step;
      step = stepOf(path, parent, segment, into);
      if (segment !== EACH) continue;
      const level = (levels[depth++] ??= { array: parent, element: step, steps: [] });
      if (level.element !== step) throw unrelated(source, path, parent, level.array);
      into = level.steps;
    }
    step.isValue = true;
    const literal = literals[index + 1] ?? '';
    return { slot: step.slot, literal: index < paths.length - 1 ? separating(literal) : literal };
  });
  return { source, slots, steps, levels, prefix: literals[0] ?? '', parts };
}

function labelOf(parent: Step | undefined, name: Step['name']): readonly string[] {
  if (!parent) return [String(name)];
  if (name === EACH) return [...parent.label, ''];
  return [...parent.label.slice(0, -1), `${parent.label.at(-1)}${nameOf(name)}`];
}

function nameOf(segment: Exclude<Segment, typeof EACH> | number): string {
  return isArrayIndex(String(segment)) ? `[${segment}]` : `.${segment}`;
}

function unrelated(source: string, path: Path, array: Step, other: Step): Error {
  return malformed(
    source,
    path.column,
    `it goes through two arrays that have nothing to do with each other, ` +
      `${other.label.join('[]')}[] and ${array.label.join('[]')}[]`,
    'Use "[]" on one array only, or compute the keys in the method and lock them with LockingService.',
  );
}
