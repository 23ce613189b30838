import { COMMON_OPTIONS } from './arguments.js';
import type { Command, OptionSpec } from './command.interface.js';

/** What there is. */
export function helpLines(commands: readonly Command[], version: string): string[] {
  const entries = commands.map(({ name, usage, summary }): [string, string] => [`${name} ${usage}`.trim(), summary]);
  return [
    `nestjs-locking ${version}: looks at the locks of an application, and releases them`,
    '',
    'nestjs-locking <command> [options]',
    '',
    ...inColumns([...entries, ['help [command]', 'this, or the options of a command']]),
    '',
    'Options of all commands:',
    ...optionLines(COMMON_OPTIONS),
    '',
    'Without --redis and --postgres the store is that of the environment: LOCKING_REDIS_URL, LOCKING_POSTGRES_URL,',
    'LOCKING_REDIS_SENTINELS, LOCKING_REDIS_CLUSTER or LOCKING_QUORUM_URLS. Other users of the machine see the arguments',
    'of a command, but not its environment: keep passwords there, or in --env.',
    '',
    'It ends with 0 when it has done what it should; 1 when the answer is no (the key is free, nothing was released,',
    'doctor has found a problem); 2 for a wrong command, option or variable; 3 when the store cannot be reached.',
  ];
}

export function helpOf({ name, usage, summary, options }: Command): string[] {
  const own = optionLines(options);
  return [
    `nestjs-locking ${name} ${usage}`.trim(),
    '',
    `  ${summary}`,
    ...(own.length > 0 ? ['', ...own] : []),
    '',
    'Options of all commands:',
    ...optionLines(COMMON_OPTIONS),
  ];
}

function optionLines(options: Readonly<Record<string, OptionSpec>>): string[] {
  return inColumns(
    Object.entries(options).map(([name, { short, value, help }]): [string, string] => [
      `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
      help,
    ]),
  );
}

function inColumns(entries: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...entries.map(([left]) => left.length));
  return entries.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
