import { StoreNotReachedError } from '../../provider-api/index.js';
import { meaningOf } from './postgres-meanings.js';
import { connectionLost, nonsense, notConnected } from './postgres.messages.js';

/** An error of PostgreSQL that says what it means and what to do; the server's own is its cause. */
class PostgresError extends Error {
  override readonly name = 'PostgresError';
  readonly remedy?: string;

  constructor(message: string, remedy?: string, options?: ErrorOptions) {
    super(message, options);
    if (remedy !== undefined) this.remedy = remedy;
  }
}

/** An error after which certainly nothing was changed. */
class PostgresRefusal extends StoreNotReachedError {
  readonly remedy?: string;

  constructor(message: string, remedy?: string, options?: ErrorOptions) {
    super(message, options);
    if (remedy !== undefined) this.remedy = remedy;
  }
}

/** How deep the error of the driver may be wrapped by an ORM. */
const DEEPEST = 5;

/** States with which the server ends the connection, and classes of states that tell of a lost one. */
const ENDS_CONNECTION = /^(?:57P0[1-5]|08...|XX...)$/;

/** What the server says of a command. */
export interface ServerError {
  readonly state: string;
  readonly message: string;
  /** Whether the transaction was rolled back, and the connection goes on. */
  readonly isRolledBack: boolean;
}

/** What the server has said, if `error` comes from it; an ORM may have wrapped that. */
export function serverErrorOf(error: unknown): ServerError | undefined {
  let one: unknown = error;
  for (let depth = 0; depth < DEEPEST && typeof one === 'object' && one !== null; depth += 1) {
    const { meta, cause, driverError, originalError } = one as Record<string, unknown>;
    const { driverAdapterError } = (meta ?? {}) as Record<string, unknown>;
    const found = [one, meta].map(asServerError).find((server) => server !== undefined);
    if (found) return found;
    one = driverAdapterError ?? driverError ?? originalError ?? cause;
  }
  return undefined;
}

/** SQLSTATEs of a schema, a table or a function that is not there. */
const NOT_THERE: readonly string[] = ['3F000', '42P01', '42883'];

/** Whether the tables or functions are gone. */
export function saysSchemaIsGone(error: unknown): boolean {
  return NOT_THERE.includes(serverErrorOf(error)?.state ?? '');
}

function asServerError(error: unknown): ServerError | undefined {
  const { code, severity, message } = (error ?? {}) as Record<string, unknown>;
  if (!isState(code)) return undefined;
  // Some leave the severity out.
  const isRolledBack = severity === undefined ? !ENDS_CONNECTION.test(code) : severity === 'ERROR';
  return { state: code, message: String(message), isRolledBack };
}

/** Of a command: says what its error means. Anything but an answer of the server leaves open what the command has done. */
export function explainError(error: unknown): Error {
  const server = serverErrorOf(error);
  if (!server) return new PostgresError(connectionLost(textOf(error)), undefined, { cause: error });
  const [message, remedy] = describe(server);
  const Kind = server.isRolledBack ? PostgresRefusal : PostgresError;
  return new Kind(message, remedy, { cause: error });
}

/** Of a connection that could not be made: nothing was sent. */
export function explainConnecting(error: unknown): Error {
  if (error instanceof StoreNotReachedError) return error;
  const server = serverErrorOf(error);
  const [message, remedy] = server ? describe(server) : [textOf(error), undefined];
  return new PostgresRefusal(notConnected(message), remedy, { cause: error });
}

/** An answer that has not the shape that it should have: the command may have been carried out or not. */
export function malformedAnswer(what: string): Error {
  return new PostgresError(nonsense(what), 'Find out what else defines functions in the schema of locks.');
}

function describe({ state, message }: ServerError): [string, string | undefined] {
  const meaning = meaningOf(state);
  return meaning ? [`${message} (${meaning.means})`, meaning.remedy] : [message, undefined];
}

/** Of a host with several addresses Node gives an error without a message, and those of each in a list. */
function textOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(textOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** SQLSTATE: five digits or capital letters, at least one of them a digit. `P2010` and the like are codes of Prisma. */
function isState(code: unknown): code is string {
  return typeof code === 'string' && /^(?=.*\d)(?!P[1-9])[0-9A-Z]{5}$/.test(code);
}
