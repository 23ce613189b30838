import { validateHeaderName, validateHeaderValue } from 'node:http';

/** The part of a response, or of a reply of Fastify, that is needed. */
interface Sending {
  readonly statusCode: number;
  getHeaders(): Readonly<Record<string, number | string | readonly string[] | undefined>>;
  removeHeader(name: string): unknown;
}

/** What Node refuses in a status message. */
const NOT_IN_MESSAGE = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * An answer that Node will refuse to send is refused as it is made, as Node would do it: the filters of the application answer in its
 * place. What is wrong is taken off the response, on which they would fail as well.
 *
 * @throws TypeError or RangeError, as Node does
 */
export function assertSendable(response: Sending, raw: { statusMessage?: string | undefined } & object): void {
  const { statusCode } = response;
  if (!Number.isInteger(statusCode) || statusCode < 100 || statusCode > 999) {
    throw new RangeError(`Invalid status code: ${String(statusCode)}`);
  }
  const { statusMessage } = raw;
  if (statusMessage !== undefined && NOT_IN_MESSAGE.test(statusMessage)) {
    raw.statusMessage = undefined;
    throw new TypeError(`Invalid character in the status message ${JSON.stringify(statusMessage)}`);
  }
  for (const [name, value] of Object.entries(response.getHeaders())) {
    try {
      validateHeaderName(name);
      for (const one of [value].flat()) if (one !== undefined) validateHeaderValue(name, String(one));
    } catch (error) {
      response.removeHeader(name);
      throw error;
    }
  }
}
