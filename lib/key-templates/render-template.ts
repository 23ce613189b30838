import { LONGEST_KEY, MOST_KEYS } from '../engine/options/lock-keys.js';
import { isLockKeyError } from '../errors/index.js';
import { EACH, type Plan, type Step } from './plan.js';
import { escapeValue } from './escape-value.js';
import {
  emptyKey,
  noKey,
  notAnArray,
  notReadable,
  keyOverLimit,
  tooManyKeys,
  unusable,
} from './key-template.messages.js';
import { readLength, readProperty } from './read-property.js';
import type { TemplateScope } from './template-roots.js';

/** The keys of one call. */
export function renderTemplate(plan: Plan, scope: TemplateScope): string[] {
  const rendering = new Rendering(plan, scope);
  rendering.run(plan.steps);
  if (plan.levels.length === 0) return [rendering.key()];
  const keys: string[] = [];
  rendering.expand(0, keys);
  if (keys.length === 0) throw noKey(plan);
  return keys;
}

/** The state of rendering one call. The plan does not keep it, as a getter may call the decorated method again. */
class Rendering {
  /** The value of each step; of one that ends a placeholder, its escaped text. */
  private readonly values: unknown[] = [];
  private readonly indices: number[] = [];

  constructor(
    private readonly plan: Plan,
    private readonly scope: TemplateScope,
  ) {}

  run(steps: readonly Step[]): void {
    for (const step of steps) this.settle(step, this.read(step));
  }

  /** Goes through the array of one level, and per element through those below; the innermost one makes the keys. */
  expand(depth: number, keys: string[]): void {
    const level = this.plan.levels[depth];
    if (!level) {
      // A Proxy may say that it has any number of elements.
      if (keys.length === MOST_KEYS) throw tooManyKeys(this.plan, MOST_KEYS);
      keys.push(this.key());
      return;
    }
    const length = this.lengthOf(level.array);
    for (let index = 0; index < length; index++) {
      this.indices[depth] = index;
      this.settle(level.element, this.read(level.element, index));
      this.run(level.steps);
      this.expand(depth + 1, keys);
    }
  }

  key(): string {
    let key = this.plan.prefix;
    for (const part of this.plan.parts) key += (this.values[part.slot] as string) + part.literal;
    if (key === '') throw emptyKey(this.plan);
    return key;
  }

  private settle(step: Step, value: unknown): void {
    this.values[step.slot] = step.isValue ? this.textOf(step, value) : value;
  }

  private read(step: Step, index?: number): unknown {
    const { parent, name } = step;
    try {
      if (!parent) return this.scope(name as string | number);
      const target = this.values[parent.slot];
      if (target !== undefined && target !== null) return readProperty(target, name === EACH ? (index ?? 0) : name);
    } catch (cause) {
      // the scope of a request has more to say about what is missing
      if (!parent && isLockKeyError(cause)) throw cause;
      throw notReadable(this.plan, step, this.indices, cause);
    }
    throw unusable(this.plan, parent, this.indices, this.values[parent.slot], step.placeholder);
  }

  private lengthOf(array: Step): number {
    const value = this.values[array.slot];
    let length: number | undefined;
    try {
      length = readLength(value);
    } catch (cause) {
      throw notReadable(this.plan, array, this.indices, cause);
    }
    if (length === undefined) throw notAnArray(this.plan, array, this.indices, value);
    return length;
  }

  private textOf(step: Step, value: unknown): string {
    switch (typeof value) {
      case 'string':
        if (value.length > LONGEST_KEY) throw keyOverLimit(this.plan, step, this.indices, value.length, LONGEST_KEY);
        return escapeValue(value);
      case 'number':
        if (!Number.isFinite(value)) break;
        return escapeValue(String(value));
      case 'bigint':
      case 'boolean':
        return String(value);
    }
    throw unusable(this.plan, step, this.indices, value);
  }
}
