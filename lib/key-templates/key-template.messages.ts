import { LockKeyError } from '../errors/index.js';
import { onOneLine, quote } from '../errors/quote.js';
import type { Plan, Step } from './plan.js';

/*
 * Every message says which template, which placeholder, what is wrong with it and what to do. None contains a value:
 * it may be a secret, or forge log lines.
 */

/** A template is the program's own text: it may be longer than what comes from outside. */
const LONGEST_SHOWN = 1000;

/** The template itself is wrong; `column` counts from 1. */
export function malformed(source: string, column: number, problem: string, remedy: string): LockKeyError {
  return new LockKeyError(
    `Malformed key template ${quote(source, LONGEST_SHOWN)}, column ${column}: ${onOneLine(problem)}. ${remedy}`,
  );
}

/** Something other than a template was given. */
export function notAString(): LockKeyError {
  return new LockKeyError('A key template must be a string, such as "order:<0.id>".');
}

/** A value, or something on the way to it, is of a kind that cannot become part of a key. */
export function unusable(
  plan: Plan,
  step: Step,
  indices: readonly number[],
  value: unknown,
  placeholder = step.placeholder,
): LockKeyError {
  const { kind, remedy } = kindOf(value, placeholder);
  const path = pathOf(step, indices);
  return failed(plan, path, `<${placeholder}> has no usable value: ${path} is ${kind}. ${remedy}`);
}

/** A `[]` stands after something else than an array. */
export function notAnArray(plan: Plan, step: Step, indices: readonly number[], value: unknown): LockKeyError {
  const { kind } = kindOf(value, step.placeholder);
  const path = pathOf(step, indices);
  return failed(
    plan,
    path,
    `<${step.placeholder}> goes through the elements of ${path}, which is ${kind}. ` +
      'Pass an array there, or remove the "[]"; of a Set or Map, pass [...it].',
  );
}

/** A getter, a Proxy or the scope threw. */
export function notReadable(plan: Plan, step: Step, indices: readonly number[], cause: unknown): LockKeyError {
  const path = pathOf(step, indices);
  return failed(
    plan,
    path,
    `<${step.placeholder}> could not be read: ${path} threw an error, which is the cause of this one. ` +
      'Use a property that can be read at the time of the call.',
    { cause },
  );
}

/** A value is so long that no key could be made of it. */
export function keyOverLimit(
  plan: Plan,
  step: Step,
  indices: readonly number[],
  length: number,
  most: number,
): LockKeyError {
  const path = pathOf(step, indices);
  return failed(
    plan,
    path,
    `<${step.placeholder}> has no usable value: ${path} is a string of ${length} characters, and a key ` +
      `has at most ${most} bytes. Use an id, or a hash of it.`,
  );
}

/** The arrays have so many elements that their keys could not be locked in one call. */
export function tooManyKeys(plan: Plan, most: number): LockKeyError {
  const array = plan.levels.at(-1)?.array.label.join('[]');
  return failed(
    plan,
    array,
    `${array} has too many elements: one call locks at most ${most} keys. ` +
      'Check the length before the call, split it, or lock something that stands for all of them.',
  );
}

/** All the arrays are empty. */
export function noKey(plan: Plan): LockKeyError {
  const array = plan.levels.at(-1)?.array.label.join('[]');
  return failed(plan, array, `it names no key, as ${array} has no elements. Do not call with nothing to lock.`);
}

/** The only thing in the template was an empty string. */
export function emptyKey(plan: Plan): LockKeyError {
  return failed(
    plan,
    undefined,
    'the key is empty. Pass a text that is not, and put a name before it, such as "order:<0>".',
  );
}

function failed(plan: Plan, path: string | undefined, problem: string, cause?: ErrorOptions): LockKeyError {
  return new LockKeyError(`Key template ${quote(plan.source, LONGEST_SHOWN)}: ${problem}`, [], { path, ...cause });
}

/** `0.lines[3].sku`, with the indices of the element at hand. */
function pathOf(step: Step, indices: readonly number[]): string {
  return step.label.reduce((path, piece, depth) => `${path}[${indices[depth - 1]}]${piece}`);
}

function kindOf(value: unknown, placeholder: string): { kind: string; remedy: string } {
  if (value === undefined || value === null) {
    return { kind: String(value), remedy: 'Pass a value there, or make the key of something that is always set.' };
  }
  switch (typeof value) {
    case 'number':
      return { kind: String(Number.isFinite(value) ? 'a number' : value), remedy: 'Check the number before the call.' };
    case 'function':
      return { kind: 'a function', remedy: 'Use a property or a getter, which hold data.' };
    case 'object':
      if (!isArray(value)) {
        return {
          kind: 'an object',
          remedy: `Name a property inside it, such as <${placeholder}.id>; of a Date, pass its getTime().`,
        };
      }
      return {
        kind: 'an array',
        remedy: `Write <${placeholder}[]> for one key per element, or <${placeholder}[0]> for one of them.`,
      };
    default:
      return { kind: `a ${typeof value}`, remedy: 'Use a string or a number.' };
  }
}

function isArray(value: object): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false; // a revoked Proxy
  }
}
