import { Inject, type InjectionToken } from '@nestjs/common';

const prepared = new WeakMap<object, Set<symbol>>();

/**
 * Has Nest put what `token` stands for into every instance of the class, as the property `property`, whatever the scope
 * of the class. No global is involved, so several applications in one process do not see each other's.
 */
export function injectOnce(prototype: object, token: InjectionToken, property: symbol): void {
  const properties = prepared.get(prototype) ?? new Set();
  prepared.set(prototype, properties);
  if (properties.has(property)) return;
  properties.add(property);
  Inject(token)(prototype, property);
}
