import { validateHeaderName, validateHeaderValue } from 'node:http';

/** The part of a response, or of a reply of Fastify, that is needed. */
interface Sending {
  readonly statusCode: number;
  getHeaders(): Readonly<Record<string, number | string | readonly string[] | undefined>>;
  removeHeader(name: string): unknown;
}

/** The part of Node's response that is needed. */
interface RawResponse {
  statusCode: number;
  statusMessage?: string | undefined;
  /** Of HTTP/2, which has no status messages, and warns of a program that reads one. */
  readonly stream?: object;
}

/** What Node refuses in a status message. */
const NOT_IN_MESSAGE = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * An answer that Node will refuse to send is refused as it is made, as Node would do it: the filters of the application answer in its
 * place. All that is wrong is taken off the response, as their answer would fail on the rest of it.
 *
 * @throws TypeError or RangeError, as Node does
 */
export function assertSendable(response: Sending, raw: RawResponse): void {
  const [first] = [badStatus(response, raw), badMessage(raw), ...badHeaders(response)].filter((error) => error);
  if (first) throw first;
}

function badStatus({ statusCode }: Sending, raw: RawResponse): Error | undefined {
  if (Number.isInteger(statusCode) && statusCode >= 100 && statusCode <= 999) return undefined;
  raw.statusCode = 500;
  return new RangeError(`Invalid status code: ${String(statusCode)}`);
}

function badMessage(raw: RawResponse): Error | undefined {
  const statusMessage = raw.stream ? undefined : raw.statusMessage;
  if (statusMessage === undefined || !NOT_IN_MESSAGE.test(statusMessage)) return undefined;
  raw.statusMessage = undefined;
  return new TypeError(`Invalid character in the status message ${JSON.stringify(statusMessage)}`);
}

function badHeaders(response: Sending): Error[] {
  const errors: Error[] = [];
  for (const [name, value] of Object.entries(response.getHeaders())) {
    try {
      validateHeaderName(name);
      for (const one of [value].flat()) if (one !== undefined) validateHeaderValue(name, String(one));
    } catch (error) {
      response.removeHeader(name);
      errors.push(error as Error);
    }
  }
  return errors;
}
