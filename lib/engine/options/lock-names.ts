import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { LockConfigurationError } from '../../errors/index.js';
import { badInstanceId, badLabel, posesAsInstance } from './lock-names.messages.js';
import { isWellFormed } from './well-formed.js';

/** As many characters a label may have. It is written at each of its keys, as the name of an instance is. */
const LONGEST_LABEL = 100;
const LONGEST_INSTANCE_ID = 128;

/** What a terminal or a log reader could take for something else than text; see `quote`. */
const DANGEROUS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** The id of a process: the name of its instance, escaped, and characters that no other process has. */
const PROCESS_ID = /^(?:([\w.%-]*)~)?[\w-]{16}$/;

/** An owner that the engine has made: an id that begins with that of the process, and a label. */
const OWNER_ID = /^((?:[\w.%-]*~)?[\w-]{16})\.[\da-z]+(?: ([^]*))?$/;

/** What an owner's id tells. */
export interface OwnerName {
  /** The instance of the application; `null` where a caller has named the owner. */
  readonly instanceId: string | null;
  /** What the lock is called; `null` for none. */
  readonly label: string | null;
}

/** The name of this instance where the application gives none. */
export function defaultInstanceId(): string {
  return `${hostname().slice(0, LONGEST_INSTANCE_ID - 20)}-${String(process.pid)}`;
}

/** @throws LockConfigurationError for what cannot be the name of an instance */
export function assertInstanceId(value: unknown): asserts value is string {
  if (!isName(value, LONGEST_INSTANCE_ID)) throw new LockConfigurationError(badInstanceId(LONGEST_INSTANCE_ID));
}

/** @throws LockConfigurationError for what cannot be a label */
export function assertLabel(value: unknown): asserts value is string | undefined {
  if (value !== undefined && !isName(value, LONGEST_LABEL)) throw new LockConfigurationError(badLabel(LONGEST_LABEL));
}

/** A label that this package makes itself, of names of any length. */
export function asLabel(text: string): string | undefined {
  const label = text
    .slice(0, LONGEST_LABEL)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '')
    .trim();
  return label === '' ? undefined : label;
}

/** The options of a decorated method's lock, which is called after the method unless the user has named it. */
export function withLabel<Options extends { label?: string | undefined }>(
  options: Options,
  label: string,
): Readonly<Options> {
  return Object.freeze({ ...options, label: options.label ?? asLabel(label) });
}

/** The id of a process that belongs to the instance of this name; two that are given the same name differ. */
export function makeProcessId(instanceId: string | undefined): string {
  const unique = randomBytes(12).toString('base64url');
  return instanceId === undefined ? unique : `${escapeName(instanceId)}~${unique}`;
}

/** The instance that a process belongs to; `null` if it was given no name. */
export function instanceOfProcess(processId: string): string | null {
  const escaped = PROCESS_ID.exec(processId)?.[1];
  if (escaped === undefined) return null;
  try {
    return decodeURIComponent(escaped);
  } catch {
    return escaped;
  }
}

/** The owner of a lock without a named owner: a label travels inside its id, at no cost to the store. */
export function ownerOf(id: string, label: string | undefined): string {
  return label === undefined ? id : `${id} ${label}`;
}

/** What the id of an owner tells of the lock. */
export function readOwner(ownerId: string): OwnerName {
  const [, processId, label = null] = OWNER_ID.exec(ownerId) ?? [];
  return processId === undefined
    ? { instanceId: null, label: null }
    : { instanceId: instanceOfProcess(processId), label };
}

/**
 * @param processId - of this process, whose own ids a caller may pass on
 * @throws LockConfigurationError for an owner that a caller has named and that would be shown as the lock of an instance
 */
export function assertNoPretence(ownerId: string, processId: string): void {
  const [, made] = OWNER_ID.exec(ownerId) ?? [];
  if (made?.includes('~') === true && made !== processId) throw new LockConfigurationError(posesAsInstance(ownerId));
}

function isName(value: unknown, longest: number): value is string {
  if (typeof value !== 'string' || value.trim() === '' || value.length > longest) return false;
  return isWellFormed(value) && !DANGEROUS.test(value);
}

/** Ids of processes stand in keys, messages and values of stores: letters, digits, `-`, `_` and `.` mean nothing there. */
function escapeName(name: string): string {
  return encodeURIComponent(name).replace(/[!~*'()]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}
