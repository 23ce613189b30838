import { parseArgs } from 'node:util';
import { parseDuration } from '../engine/options/duration.js';
import type { Duration } from '../interfaces/index.js';
import {
  emptyArgument,
  extraArgument,
  missingArgument,
  notALength,
  notOneOf,
  notWhole,
  wrongOption,
} from './cli.messages.js';
import type { Command, OptionSpec, Values } from './command.interface.js';
import { CommandError, EXIT } from './exit-code.js';

/** The options of every command. */
export const COMMON_OPTIONS = {
  redis: { type: 'string', value: 'URL', help: 'the Redis server of the locks' },
  postgres: { type: 'string', value: 'URL', help: 'the PostgreSQL database of the locks' },
  namespace: { type: 'string', value: 'TEXT', help: 'the prefix of all keys, as in the application' },
  schema: { type: 'string', value: 'NAME', help: 'the schema of the tables, with PostgreSQL' },
  env: { type: 'string', value: 'FILE', help: 'reads environment variables from there' },
  json: { type: 'boolean', help: 'prints JSON, for scripts' },
  'no-color': { type: 'boolean', help: 'prints no colours; nor does it with NO_COLOR, or into a pipe' },
  help: { type: 'boolean', short: 'h', help: 'shows this' },
} as const satisfies Record<string, OptionSpec>;

export interface Arguments {
  readonly values: Values;
  readonly positionals: readonly string[];
}

/** @throws CommandError for options and arguments that the command does not have */
export function readArguments(command: Command, args: readonly string[]): Arguments {
  const { usage, name, arguments: expected } = command;
  const options = Object.fromEntries(
    Object.entries({ ...COMMON_OPTIONS, ...command.options }).map(([option, spec]) => {
      const { type, short } = spec as OptionSpec;
      return [option, { type, ...(short !== undefined && { short }) }];
    }),
  );
  let values: Values;
  let positionals: readonly string[];
  try {
    ({ values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true }));
  } catch (error) {
    const [why = ''] = (error as Error).message.split(/\.? To specify a positional/);
    throw new CommandError(wrongOption(why.replace(/\.$/, ''), name), EXIT.misuse, { cause: error });
  }
  if (values.help === true) return { values, positionals };
  const [fewest, most] = expected;
  const whole = `${name} ${usage}`.trim();
  if (positionals.length < fewest) throw new CommandError(missingArgument(whole), EXIT.misuse);
  if (positionals.length > most) throw new CommandError(extraArgument(positionals[most] ?? '', whole), EXIT.misuse);
  if (positionals.includes('')) throw new CommandError(emptyArgument(whole), EXIT.misuse);
  return { values, positionals };
}

/** The value of an option that has to be one of `known`; `undefined` where it is not given. */
export function readChoice<Choice extends string>(
  values: Values,
  option: string,
  known: readonly Choice[],
): Choice | undefined {
  const value = values[option];
  if (typeof value !== 'string') return undefined;
  const found = known.find((choice) => choice === value);
  if (found === undefined) throw new CommandError(notOneOf(option, value, known), EXIT.misuse);
  return found;
}

export function readWhole(values: Values, option: string): number | undefined {
  const value = values[option];
  if (typeof value !== 'string') return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) {
    throw new CommandError(notWhole(option, value), EXIT.misuse);
  }
  return number;
}

/** @param minimum - in milliseconds */
export function readLength(values: Values, option: string, minimum: number): number | undefined {
  const value = values[option];
  if (typeof value !== 'string') return undefined;
  try {
    if (!/^\d+$/.test(value)) return parseDuration(value as Duration, option, { bareUnit: 's', minimum });
  } catch {
    // Told below.
  }
  throw new CommandError(notALength(option, value), EXIT.misuse);
}
