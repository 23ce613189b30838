import 'reflect-metadata';
import type { ModulesContainer } from '@nestjs/core';
import { LockConfigurationError } from '../errors/index.js';
import { ONE_PER_APPLICATION } from './locking.constants.js';
import { severalModules } from './locking.messages.js';

type ModuleOfNest = ModulesContainer extends Map<string, infer Each> ? Each : never;

/**
 * Each `forRoot()` makes a lock space of its own: in memory two of them do not exclude each other, and on one store a
 * nested call does not join the lock that its caller holds through the other.
 *
 * @param modules - of the application, lazily loaded ones included
 * @throws LockConfigurationError when more than one of them is a `LockingModule` of this or another copy of the package
 */
export function assertOnePerApplication(modules: ModulesContainer): true {
  const all = [...modules.values()];
  const own = all.filter(({ providers }) => providers.has(ONE_PER_APPLICATION));
  if (own.length > 1) throw new LockConfigurationError(severalModules(own.length, importersOf(own, all)));
  return true;
}

/** As far as Nest tells: the imports of a dynamic module are not to be had. */
function importersOf(imported: readonly ModuleOfNest[], all: readonly ModuleOfNest[]): string[] {
  const classes = new Set<unknown>(imported.map(({ metatype }) => metatype));
  const imports = ({ metatype }: ModuleOfNest): boolean =>
    ((Reflect.getMetadata('imports', metatype) as unknown[] | undefined) ?? []).some((one) =>
      classes.has(classOf(one)),
    );
  return [...new Set(all.filter(imports).map(({ name }) => name))];
}

/** The class of what stands among the imports of a module: a class, a dynamic module or a forward reference. */
function classOf(imported: unknown): unknown {
  const { forwardRef, module } = (imported ?? {}) as { forwardRef?: () => unknown; module?: unknown };
  return forwardRef ? classOf(forwardRef()) : (module ?? imported);
}
