import { redact } from '../providers/redis/redact.js';
import { printable, withoutPasswords } from './terminal/printable.js';

const HELP = 'Run "nestjs-locking help" for what there is.';

/** An argument, which may be the address of a server in the wrong place. */
const shown = (text: string): string => `"${printable(redact(text))}"`;

const named = (key: string): string => `"${printable(key)}"`;

export const unknownCommand = (name: string, nearest: string): string =>
  `There is no command ${shown(name)}. Do you mean ${nearest}? ${HELP}`;

export const wrongOption = (why: string, command: string): string =>
  `${withoutPasswords(why)}. Run "nestjs-locking help ${command}" for the options.`;

export const missingArgument = (usage: string): string => `An argument is missing: nestjs-locking ${usage}`;

export const extraArgument = (argument: string, usage: string): string =>
  `${shown(argument)} is one argument too many: nestjs-locking ${usage}. Put a key with spaces into quotes.`;

export const emptyArgument = (usage: string): string => `An argument is empty: nestjs-locking ${usage}`;

export const notOneOf = (option: string, value: string, known: readonly string[]): string =>
  `--${option}: ${shown(value)} is none of ${known.join(', ')}.`;

export const notWhole = (option: string, value: string): string =>
  `--${option}: ${shown(value)} is not a whole number, 0 or more.`;

export const notALength = (option: string, value: string): string =>
  `--${option}: ${shown(value)} is not a length of time. Write it with its unit, such as 500ms or 2s; at least 200ms.`;

export const twoStores = (): string => 'Give either --redis or --postgres, not both.';

export const onlyFor = (option: string, store: string): string => `--${option} is an option of --${store}.`;

export const noStore = (): string =>
  'Which store? Give --redis URL or --postgres URL, or set the environment variables of your application, such as LOCKING_REDIS_URL (docs/environment.md).';

export const envFileNotRead = (file: string, cause: string): string =>
  `The file ${shown(file)} of --env cannot be read: ${cause}`;

export const notReached = (store: string, cause: string, remedy: string | undefined): string =>
  `Cannot use ${store}: ${cause.replace(/\.$/, '')}.${remedy === undefined ? '' : ` ${remedy}`}`;

export const silentStore = (milliseconds: number): string => `no answer within ${String(milliseconds / 1000)} s`;

export const notSupported = (store: string): string => `${store} cannot be asked for this.`;

export const moreLeft = (shownCount: number, all: string): string =>
  `Shown are ${String(shownCount)} of ${all}. --limit 0 shows all.`;

export const wouldAsk = (): string =>
  'release asks before it releases, and there is no terminal to ask on. Give --yes, best with --token, to release only what you have seen.';

export const otherToken = (key: string, token: string, expected: string): string =>
  `${named(key)} was not released: its token is ${token} now, not ${expected}. Another grant has taken its place since.`;

export const changedSince = (key: string): string =>
  `${named(key)} was not released: it was released or passed on since it was shown. Look again.`;

export const notReleased = (key: string): string => `${named(key)} was not released.`;

export const mayBeReleased = (key: string, cause: string): string =>
  `Whether ${named(key)} was released is not known: ${cause} Look again with "inspect".`;

export const keyIsFree = (key: string): string => `${named(key)} is free: no lock of this name is held.`;
