import { separating } from './escape-value.js';
import { malformed } from './key-template.messages.js';
import type { Path } from './parse-path.js';
import { EACH, type Level, type Plan, type Segment, type Step } from './plan.js';
import type { ScannedTemplate } from './scan-template.js';
import { isArrayIndex } from './template-roots.js';

/** Compiles a template into the reads and joins of its rendering. */
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
