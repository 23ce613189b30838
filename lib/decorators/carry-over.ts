import 'reflect-metadata';

/**
 * Makes `wrapper` pass for `original`: other decorators, above and below, leave their marks on the function itself
 * (`@Cron`, `@MessagePattern`, guards, Swagger), and some read its name or length.
 */
export function carryOver(original: object, wrapper: object): void {
  for (const key of Reflect.getMetadataKeys(original) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), wrapper);
  }
  for (const property of Reflect.ownKeys(original)) {
    if (property === 'prototype') continue;
    const descriptor = Object.getOwnPropertyDescriptor(original, property);
    if (descriptor) Object.defineProperty(wrapper, property, descriptor);
  }
}
