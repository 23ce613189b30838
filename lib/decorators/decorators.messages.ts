export const notOnInstances = (decorator: string, member: string): string =>
  `${decorator} on ${member}: only methods of instances can be decorated so, not classes, static methods, accessors or properties.`;

export const onGenerator = (decorator: string, method: string): string =>
  `${decorator} on ${method}: a call of a generator method runs nothing of its body; that runs later, while somebody iterates, and outside of what ${decorator} does. ` +
  'Write a method that iterates itself and returns a Promise' +
  (decorator === '@WithLock'
    ? ', or one that returns an Observable; on an HTTP handler that streams what it generates, use @LockRequest.'
    : '.');

export const standardDecorators = (decorator: string, member: string): string =>
  `${decorator} on ${member}: the file was compiled with standard (TC39) decorators, but Nest and this package need TypeScript's experimental ones. ` +
  'Set "experimentalDecorators": true and "emitDecoratorMetadata": true in the compilerOptions of the tsconfig.json beside the sources: ' +
  'tsc, esbuild, tsx and Vite read it there (without such a file, give esbuild the same in tsconfigRaw). ' +
  'For SWC set "legacyDecorator": true and "decoratorMetadata": true in jsc.transform of .swcrc.';

const DECLARE_OBSERVABLE =
  'Add { observable: true } to the options of the decorator; or write the return type down, import Observable as a value (not by "import type"), and have a compiler that emits types (emitDecoratorMetadata; esbuild and tsx emit none).';

export const observableNotBoolean = (decorator: string): string => `${decorator}: observable must be true or false.`;

export const undeclaredObservable = (decorator: string, method: string): string =>
  `${decorator} on ${method}: the method returned an Observable, which the decorator could not know, so its callers get a Promise of it. ${DECLARE_OBSERVABLE}`;

export const subscribedTooLate = (decorator: string, method: string, isUndeclared: boolean): string =>
  `${decorator} on ${method}: the Observable was subscribed to after its lock had been released` +
  (isUndeclared ? `, as nobody had subscribed when the call ended. ${DECLARE_OBSERVABLE}` : '.');
