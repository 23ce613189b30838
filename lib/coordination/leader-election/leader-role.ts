import 'reflect-metadata';
import type { RoleEvent } from './leader-term.interface.js';

/** What a method is in an election: told of an event of it, or called by the leader only. */
export interface LeaderRole {
  readonly name: string;
  readonly role: RoleEvent | 'only';
}

/** A text, as both module formats of this package may be loaded. */
const LEADER_ROLES = 'nestjs-locking:leader-roles';

/** On the method itself, where other decorators that wrap it look for what to carry over. */
export function addRole(method: object, role: LeaderRole): void {
  Reflect.defineMetadata(LEADER_ROLES, [...rolesOf(method), role], method);
}

export function rolesOf(method: object): readonly LeaderRole[] {
  return (Reflect.getMetadata(LEADER_ROLES, method) as LeaderRole[] | undefined) ?? [];
}
