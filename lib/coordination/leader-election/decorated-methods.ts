import { MetadataScanner, type DiscoveryService } from '@nestjs/core';
import { quote } from '../../errors/quote.js';
import { assertHandled } from './assert-handled.js';
import type { LeaderHandler } from './leader-handlers.js';
import { rolesOf, type LeaderRole } from './leader-role.js';

/** A method of a provider or controller with a role in an election. */
export interface DecoratedMethod extends LeaderRole {
  /** `@OnLeader("relay") on Relay.run` */
  readonly label: string;
  /** Absent where there is no single instance to call it on. */
  readonly call?: LeaderHandler['call'];
}

const DECORATORS: Readonly<Record<LeaderRole['role'], string>> = {
  leader: '@OnLeader',
  follower: '@OnFollower',
  only: '@LeaderOnly',
};

/** A provider or controller, as Nest keeps it. */
export type Component = ReturnType<DiscoveryService['getProviders']>[number];

/** Whether it is of default scope, with all that it depends on. */
export function hasOneInstance(component: Component): boolean {
  return component.isDependencyTreeStatic() && !component.isTransient;
}

/**
 * Those of `components`, each of an instance once.
 *
 * @param seen - instances, and prototypes of classes without a single one, that are left out; new ones are added
 */
export function* decoratedMethods(components: Iterable<Component>, seen: WeakSet<object>): Generator<DecoratedMethod> {
  const scanner = new MetadataScanner();
  for (const component of components) {
    const instance: unknown = component.instance;
    const hasOne = hasOneInstance(component);
    const prototype = hasOne ? prototypeOf(instance) : prototypeOfClass(component.metatype);
    if (!prototype) continue;
    // An alias shares the instance; a class without one is known by its prototype.
    const known = hasOne ? (instance as object) : prototype;
    if (seen.has(known)) continue;
    seen.add(known);
    for (const method of scanner.getAllMethodNames(prototype)) {
      for (const role of rolesOf(prototype[method] as object)) {
        const label = `${DECORATORS[role.role]}(${quote(role.name)}) on ${nameOf(prototype)}.${method}`;
        yield hasOne ? { ...role, label, call: bind(instance as Methods, method, label) } : { ...role, label };
      }
    }
  }
}

type Methods = Record<string, (...args: unknown[]) => unknown>;

function bind(instance: Methods, method: string, label: string): LeaderHandler['call'] {
  return async (term) => {
    assertHandled(label, await instance[method]?.(term));
  };
}

function prototypeOf(instance: unknown): Record<string, unknown> | undefined {
  if (typeof instance !== 'object' || instance === null) return undefined;
  return (Object.getPrototypeOf(instance) as Record<string, unknown> | null) ?? undefined;
}

function prototypeOfClass(metatype: unknown): Record<string, unknown> | undefined {
  return typeof metatype === 'function' ? (metatype.prototype as Record<string, unknown> | undefined) : undefined;
}

function nameOf({ constructor }: { constructor?: unknown }): string {
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'a class';
}
