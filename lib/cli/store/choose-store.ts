import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { VARIABLES } from '../../module/environment/variables.js';
import { envFileNotRead, onlyFor, twoStores } from '../cli.messages.js';
import type { Values } from '../command.interface.js';
import { CommandError, EXIT } from '../exit-code.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** The options that stand for environment variables. */
const STANDS_FOR = {
  redis: 'LOCKING_REDIS_URL',
  postgres: 'LOCKING_POSTGRES_URL',
  namespace: 'LOCKING_NAMESPACE',
  schema: 'LOCKING_POSTGRES_SCHEMA',
} as const;

/** Options that do not say where the server is. */
const WITH_REDIS = [
  'LOCKING_NAMESPACE',
  'LOCKING_REDIS_MIN_REPLICAS',
  'LOCKING_REDIS_USERNAME',
  'LOCKING_REDIS_PASSWORD',
  ...Object.keys(VARIABLES).filter((name) => name.startsWith('LOCKING_REDIS_TLS')),
];

const text = (value: string | boolean | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

/**
 * The environment variables that name the store, those that the options of the command stand for included. With
 * `--redis` or `--postgres`, variables of other stores count as not set.
 *
 * @throws CommandError for options that do not go together
 */
export function storeVariables(values: Values, env: Environment): Environment {
  const variables = withFile(text(values.env), env);
  const [redis, postgres] = [text(values.redis), text(values.postgres)];
  if (redis !== undefined && postgres !== undefined) throw new CommandError(twoStores(), EXIT.misuse);
  const named = {
    ...(text(values.namespace) !== undefined && { [STANDS_FOR.namespace]: text(values.namespace) }),
    ...(text(values.schema) !== undefined && { [STANDS_FOR.schema]: text(values.schema) }),
  };
  if (redis !== undefined) {
    if (values.schema !== undefined) throw new CommandError(onlyFor('schema', 'postgres'), EXIT.misuse);
    return {
      ...only(variables, WITH_REDIS),
      [STANDS_FOR.redis]: redis,
      ...named,
    };
  }
  if (postgres !== undefined) {
    const kept = only(variables, ['LOCKING_NAMESPACE', 'LOCKING_POSTGRES_SCHEMA']);
    return { ...kept, [STANDS_FOR.postgres]: postgres, ...named };
  }
  return { ...variables, ...named };
}

/** A message about environment variables, which names the options of the command where those stand for them. */
export function blameOptions(message: string, values: Values): string {
  return message.replace(/^Environment variables? (LOCKING_\w+(?: and LOCKING_\w+)*)/, (whole, list: string) => {
    const names = list.split(' and ');
    const options = names.map((name) => optionFor(name, values));
    if (options.every((option) => option === undefined)) return whole;
    return names.map((name, index) => options[index] ?? `environment variable ${name}`).join(' and ');
  });
}

function optionFor(variable: string, values: Values): string | undefined {
  const option = Object.entries(STANDS_FOR).find(([name, of]) => of === variable && values[name] !== undefined)?.[0];
  return option && `--${option}`;
}

function withFile(file: string | undefined, env: Environment): Environment {
  if (file === undefined) return env;
  try {
    // As with Node's own option of this name, what is set already wins.
    return { ...parseEnv(readFileSync(file, 'utf8')), ...env };
  } catch (error) {
    throw new CommandError(envFileNotRead(file, (error as Error).message), EXIT.misuse, { cause: error });
  }
}

function only(env: Environment, names: readonly string[]): Environment {
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}
