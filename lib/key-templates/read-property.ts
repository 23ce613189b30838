/**
 * Reads one property as data: own ones, and what the classes of the application define (a getter). What the language
 * itself puts on every object (`constructor`, `toString`, also what was smuggled into `Object.prototype`) is
 * `undefined`, as are the properties of primitives; else a misspelt or forged path would find a "value" there that is
 * the same for everyone. The property itself is read at most once.
 */
export function readProperty(target: unknown, name: string | number): unknown {
  if ((typeof target !== 'object' || target === null) && typeof target !== 'function') return undefined;
  const object = target as Record<string | number, unknown>;
  if (Object.hasOwn(object, name)) return object[name];
  if (name === 'constructor') return undefined;

  for (let proto = prototypeOf(object); proto !== null; proto = prototypeOf(proto)) {
    if (Object.hasOwn(proto, name)) return isBuiltIn(proto) ? undefined : object[name];
  }
  // only a Proxy that answers without declaring its properties still has something to say
  return object[name];
}

/** The length of an array, `undefined` for anything else. */
export function readLength(target: unknown): number | undefined {
  const length: unknown = Array.isArray(target) ? target.length : undefined;
  // a Proxy of an array may say anything
  return typeof length === 'number' ? length : undefined;
}

function prototypeOf(object: object): object | null {
  return Object.getPrototypeOf(object) as object | null;
}

const builtIns = new WeakMap<object, boolean>();

/**
 * Whether a prototype is the language's own. Told by its constructor being native code rather than by a list, as there
 * is one `Object.prototype` per realm: under Jest, what Node itself creates comes from another one.
 */
function isBuiltIn(proto: object): boolean {
  let known = builtIns.get(proto);
  if (known === undefined) {
    const constructor: unknown = Object.getOwnPropertyDescriptor(proto, 'constructor')?.value;
    known =
      typeof constructor === 'function' && Function.prototype.toString.call(constructor).endsWith('{ [native code] }');
    builtIns.set(proto, known);
  }
  return known;
}
