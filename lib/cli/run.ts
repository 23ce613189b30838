import { isLockConfigurationError, isLockKeyError } from '../errors/index.js';
import { nearestOf } from '../module/nearest.js';
import { readArguments } from './arguments.js';
import { unknownCommand } from './cli.messages.js';
import { COMMANDS } from './commands/index.js';
import { CommandError, EXIT, type ExitCode } from './exit-code.js';
import { helpLines, helpOf } from './help.js';
import { blameOptions, storeVariables } from './store/choose-store.js';
import { OpenStore } from './store/open-store.js';
import { withoutPasswords } from './terminal/printable.js';
import { Terminal, type ProcessStreams } from './terminal/terminal.js';

/** What surrounds a command. */
export interface Surroundings extends ProcessStreams {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The version of this package. */
  readonly version: string;
}

/** Runs one command to its end. Never rejects: what goes wrong is told on the error output. */
export async function run(args: readonly string[], around: Surroundings): Promise<ExitCode> {
  const terminal = new Terminal(around, around.env, args.includes('--no-color'));
  try {
    return await dispatch(args, around, terminal);
  } catch (error) {
    const { message, code } = explain(error);
    terminal.note(message);
    return code;
  } finally {
    await terminal.flush();
  }
}

async function dispatch(args: readonly string[], around: Surroundings, terminal: Terminal): Promise<ExitCode> {
  const [name = 'help', ...rest] = args;
  if (name === '--version' || name === '-v') {
    await terminal.line(around.version);
    return EXIT.done;
  }
  if (name === 'help' || name === '--help' || name === '-h') return showHelp(rest[0], around, terminal);
  const command = commandOf(name);
  const { values, positionals } = readArguments(command, rest);
  if (values.help === true) return showHelp(name, around, terminal);
  let opened: Promise<OpenStore> | undefined;
  const warnBeside = (message: string): void => {
    terminal.note(`Warning: ${message}`);
  };
  const open = async (warn = warnBeside): Promise<OpenStore> =>
    (opened ??= OpenStore.connect(storeVariables(values, around.env), warn));
  try {
    return await command.run({ values, positionals, terminal, open });
  } catch (error) {
    if (!isLockConfigurationError(error)) throw error;
    throw new CommandError(blameOptions(error.message, values), EXIT.misuse, { cause: error });
  } finally {
    await opened?.then(
      async (store) => store.close(),
      () => undefined,
    );
  }
}

async function showHelp(name: string | undefined, { version }: Surroundings, terminal: Terminal): Promise<ExitCode> {
  const lines = name === undefined ? helpLines(COMMANDS, version) : helpOf(commandOf(name));
  for (const line of lines) await terminal.line(line);
  return EXIT.done;
}

function commandOf(name: string): (typeof COMMANDS)[number] {
  const command = COMMANDS.find((one) => one.name === name);
  if (command) return command;
  const known = COMMANDS.map((one) => one.name);
  throw new CommandError(unknownCommand(name, nearestOf(name, [...known, 'help'])), EXIT.misuse);
}

function explain(error: unknown): { readonly message: string; readonly code: ExitCode } {
  if (error instanceof CommandError) return error;
  if (isLockConfigurationError(error) || isLockKeyError(error)) return { message: error.message, code: EXIT.misuse };
  // A fault of this package: only its stack helps.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: withoutPasswords(text), code: EXIT.unreachable };
}
