import { randomUUID } from 'node:crypto';
import { escapeValue } from '../../key-templates/escape-value.js';

/*
 * Names and ids are escaped, so a colon, a slash or a star in a key is always one of these: no name or id makes the
 * key of another one, and none means anything in a glob.
 */

/** The key that the leader of an election holds. */
export function leaderKey(name: string): string {
  return `leader:${escapeValue(name)}`;
}

/** What the keys begin with that show which instances take part in an election. */
export function presencePrefix(name: string): string {
  return `${leaderKey(name)}:instance:`;
}

/** The key by which one instance shows that it is there. */
export function presenceKey(name: string, instanceId: string, unique: string): string {
  return `${presencePrefix(name)}${escapeValue(instanceId)}/${unique}`;
}

/**
 * An owner of locks: named after the instance, and different each time. An owner may take his lock again from any
 * process, so two instances with the same id must not be the same owner, nor two terms of one instance.
 */
export function uniqueOwner(instanceId: string): string {
  return `${instanceId}/${randomUUID()}`;
}

/** The instance of an owner. An owner that is not one of ours stands for itself. */
export function instanceOf(ownerId: string): string {
  const end = ownerId.lastIndexOf('/');
  return end < 0 ? ownerId : ownerId.slice(0, end);
}
