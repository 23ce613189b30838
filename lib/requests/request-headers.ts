/** Node spells all names of headers in lower case; the people who write templates do not. */
export function inAnyCase(headers: unknown): unknown {
  if (typeof headers !== 'object' || headers === null) return headers;
  return new Proxy(headers, {
    get: (target, name) => Reflect.get(target, typeof name === 'string' ? name.toLowerCase() : name) as unknown,
  });
}
