import type { IdempotencyErrorReason } from '../../../errors/index.js';

/** What a client is told. It names neither keys nor causes. */
export interface ProblemText {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

export const PROBLEMS: Readonly<Record<IdempotencyErrorReason | 'lost' | 'down', ProblemText>> = {
  'in-progress': {
    status: 409,
    code: 'IDEMPOTENCY_IN_PROGRESS',
    detail: 'A request with this idempotency key is being processed. Try again later.',
  },
  mismatch: {
    status: 422,
    code: 'IDEMPOTENCY_KEY_REUSED',
    detail: 'This idempotency key was used for another request. Use another key for another request.',
  },
  abandoned: {
    status: 409,
    code: 'IDEMPOTENCY_ABANDONED',
    detail:
      'An earlier request with this idempotency key ended without an answer. It is not repeated, as it may have had an effect: check its state.',
  },
  'not-replayable': {
    status: 409,
    code: 'IDEMPOTENCY_NOT_REPLAYABLE',
    detail: 'The request with this idempotency key was processed, but its answer cannot be repeated: check its state.',
  },
  'not-stored': {
    status: 503,
    code: 'IDEMPOTENCY_NOT_STORED',
    detail:
      'The request was processed, but its answer could not be stored. Try again later with the same idempotency key.',
  },
  lost: {
    status: 409,
    code: 'IDEMPOTENCY_LOST',
    detail:
      'The request took longer than its idempotency key was reserved, and another request has taken over. Try again later with the same key.',
  },
  down: {
    status: 503,
    code: 'IDEMPOTENCY_UNAVAILABLE',
    detail: 'The service cannot process the request at the moment. Try again later with the same idempotency key.',
  },
};

export const keyMissing = (header: string): ProblemText => ({
  status: 400,
  code: 'IDEMPOTENCY_KEY_MISSING',
  detail: `The request needs the header ${header}: a text of its own for each request, which a repetition repeats.`,
});

export const keyInvalid = (header: string, most: number): ProblemText => ({
  status: 400,
  code: 'IDEMPOTENCY_KEY_INVALID',
  detail: `The header ${header} must be one text of 1 to ${String(most)} printable ASCII characters, in double quotes or without any quotes, commas and spaces.`,
});

export const payloadUnusable = (): ProblemText => ({
  status: 400,
  code: 'IDEMPOTENCY_PAYLOAD_INVALID',
  detail: 'The payload of the request cannot be compared with that of a repetition: it is nested too deeply.',
});

export const bodyNotRead = (handler: string): string =>
  `@Idempotent on ${handler}: the body of the request has not been read, so it cannot be compared with that of a repetition. Nothing was run. Put the decorator of the interceptor that reads it (FileInterceptor, say) below @Idempotent, have the application parse bodies of this content type, or give the option fingerprint.`;

export const fileNotComparable = (handler: string): string =>
  `@Idempotent on ${handler}: the request has a file that is not in memory, so it cannot be compared with that of a repetition. Nothing was run. Let multer keep it in memory (memoryStorage), or give the option fingerprint: ({ executionContext }) => … of its checksum.`;

export const multipartNotComparable = (handler: string): string =>
  `@Idempotent on ${handler}: what the parser has made of the multipart body cannot be compared with that of a repetition. Nothing was run. Have it give plain values (attachFieldsToBody: 'keyValues' of @fastify/multipart), or give the option fingerprint.`;

export const notOnClass = (name: string): string =>
  `@Idempotent on the class ${name}: not every handler of a class can be repeated, nor has each a key. Put @Idempotent() on each method whose requests are to be handled once.`;

export const notOnThis = (handler: string, what: string): string =>
  `@Idempotent on ${handler}: ${what}, so its answer cannot be stored before it is sent. Return the answer from the handler.`;

export const headerDescription = (): string =>
  'Names the request: a repetition with the same key gets the first answer. A key of its own for each request.';

export const notHttp = (handler: string, type: string): string =>
  `@Idempotent on ${handler}: a request of type ${JSON.stringify(type)} has no header to take the key from. Make the key of the arguments instead: @Idempotent('payment:<0.id>').`;

export const answersByHand = '@Res() or @Next() without passthrough sends the answer by hand';

export const serverSentEvents = '@Sse() streams its answer';

export const streamedOnce = 'the answer was a stream';

export const streamed = (handler: string): string =>
  `@Idempotent on ${handler}: the handler returned a stream, which cannot be stored. It was not sent, and repetitions of the request are refused. Store the file, and return its address.`;

export const answeredEarlier = 'an interceptor had answered in place of the handler';

export const answeredByHand =
  'the handler has sent its answer by hand. Return the answer, and set its status by @HttpCode() or response.status().';

export const nothingReturned =
  'the handler takes the response (@Res()) and returned nothing, and an interceptor had answered before. Return the answer.';

export const noLongerThere =
  'no answer of the handler was sent, and it returned what is no plain JSON: an instance of a class, of which only an interceptor knows what to show, a bigint, a function, or a getter that throws';

export const headerNotUsable = (name: string): string =>
  `header: ${JSON.stringify(name)} is not the name of an HTTP header, such as 'Idempotency-Key'.`;

export const headersNotUsable = (name: string): string =>
  `headers: ${JSON.stringify(name)} cannot be repeated: it belongs to one answer alone, or is no name of a header.`;

export const notBoolean = (name: string): string => `${name}: must be true or false.`;

export const notFunction = (name: string): string => `${name}: must be a function of the request.`;

export const principalUnknown = (handler: string): string =>
  `@Idempotent on ${handler}: request.user has no id, sub or userId, so the keys of one user could not be told from those of another. Name the option principal: ({ user }) => user.name.`;

export const principalNotUsable = (handler: string): string =>
  `@Idempotent on ${handler}: principal must return a text or a number, or undefined for requests without a user.`;

export const notSent = (handler: string, error: unknown): string =>
  `${handler}: its answer could not be sent, so the client gets 500, and a repetition what was to be sent: ${String(error)}`;

export const notSentByFilter = (handler: string, error: unknown): string =>
  `${handler}: the answer of its exception filter could not be sent, so the client gets 500: ${String(error)}. Look at the headers and the status message that the handler and the filter set.`;
