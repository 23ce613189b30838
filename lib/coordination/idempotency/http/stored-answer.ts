/** The headers of an answer that a repetition gets as well. */
export const REPLAYED_HEADERS: readonly string[] = [
  'content-disposition',
  // At this point it says what the handler has done to the body, not a middleware.
  'content-encoding',
  'content-language',
  'content-type',
  'etag',
  'last-modified',
  'link',
  'location',
];

/** Headers of one answer alone: of its session, its connection, or its form on the wire. */
export const NEVER_REPLAYED: readonly string[] = [
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'set-cookie',
  'set-cookie2',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
];

/** An HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Nothing for an answer without a body. */
  readonly body?: string;
  /** Whether the body is base64 of bytes. */
  readonly bytes?: true;
  /** Whether the body is the JSON of a value, which hooks of Fastify may change before it is sent. */
  readonly json?: true;
}

/** The result of a request: the answer that was sent; or, where none could be sent, what the handler returned. */
export type StoredResult = { readonly answer: Answer } | { readonly returned?: unknown };

/** Statuses that say something about the moment, or about the client: another try may end otherwise. */
const NOT_STORED: ReadonlySet<number> = new Set([401, 403, 408, 409, 423, 425, 429]);

export function isStorable({ status }: Pick<Answer, 'status'>): boolean {
  return status < 500 && !NOT_STORED.has(status);
}

export function bodyOf({ body, bytes }: Answer): string | Buffer | undefined {
  return body !== undefined && bytes ? Buffer.from(body, 'base64') : body;
}

/**
 * Whether a value consists of nothing but JSON. Of the instance of a class, an interceptor such as
 * `ClassSerializerInterceptor` decides what a client may see, so it must not be stored as it is.
 *
 * Throws for no value. Cycles and depth count as plain: the store refuses them, and says why.
 */
export function isPlainData(value: unknown): boolean {
  const seen = new Set<unknown>();
  const open = [value];
  try {
    while (open.length > 0) {
      const one = open.pop();
      if (typeof one === 'bigint' || typeof one === 'function') return false;
      if (typeof one !== 'object' || one === null || one instanceof Date || seen.has(one)) continue;
      seen.add(one);
      if (!isPlainObject(one)) return false;
      for (const field of Object.values(one) as unknown[]) open.push(field);
    }
    return true;
  } catch {
    // A getter has thrown, or a Proxy.
    return false;
  }
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
