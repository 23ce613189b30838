import type { ParseArgsConfig } from 'node:util';
import type { ExitCode } from './exit-code.js';
import type { OpenStore } from './store/open-store.js';
import type { Terminal } from './terminal/terminal.js';

/** The options that were given, by their names. */
export type Values = Readonly<Record<string, string | boolean | undefined>>;

/** An option of a command, as help shows it. */
export type OptionSpec = NonNullable<ParseArgsConfig['options']>[string] & {
  readonly help: string;
  /** What its value is called in help. */
  readonly value?: string;
};

export interface CommandCall {
  readonly values: Values;
  /** Checked against `arguments` of the command. */
  readonly positionals: readonly string[];
  readonly terminal: Terminal;
  /** Connects; a further call gives the same store. */
  readonly open: (warn?: (message: string) => void) => Promise<OpenStore>;
}

export interface Command {
  readonly name: string;
  /** What stands behind its name in help: `<key>`. */
  readonly usage: string;
  readonly summary: string;
  /** How many arguments it takes: the fewest and the most. */
  readonly arguments: readonly [number, number];
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly run: (call: CommandCall) => Promise<ExitCode>;
}
