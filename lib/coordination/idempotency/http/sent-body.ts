import { bodyOf, type Answer } from './stored-answer.js';

/** The part of the replies of Fastify that is needed. */
interface Serializing {
  getHeader(name: string): unknown;
  serialize(payload: unknown): string;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** What a call of `end` sends. */
export function answerOf(chunk: unknown, encoding: unknown): Partial<Answer> {
  if (typeof chunk === 'string') {
    const isText = typeof encoding !== 'string' || /^utf-?8$/i.test(encoding);
    return isText ? { body: chunk } : bytesAnswer(Buffer.from(chunk, encoding as BufferEncoding));
  }
  return chunk instanceof Uint8Array ? bytesAnswer(chunk) : {};
}

/** Text is stored as it is, which is smaller and can be read by people. */
function bytesAnswer(bytes: Uint8Array): Partial<Answer> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(buffer)) return { body: text };
  return { body: buffer.toString('base64'), bytes: true };
}

/**
 * As it leaves after the response schema of the route, which may leave fields out. Hooks of the application (`preSerialization`,
 * `onSend`) come later: a repetition goes through them again.
 */
export function payloadAnswer(payload: unknown, reply: Serializing): Partial<Answer> {
  const type = reply.getHeader('content-type');
  if (payload === undefined) return {};
  if (typeof payload === 'string') return { body: payload };
  if (payload instanceof Uint8Array) {
    return {
      ...(type === undefined && { headers: { 'content-type': 'application/octet-stream' } }),
      ...bytesAnswer(payload),
    };
  }
  return {
    ...(type === undefined && { headers: { 'content-type': JSON_TYPE } }),
    body: reply.serialize(payload),
    json: true,
  };
}

/** What to give to Fastify to send `answer` again: the value that its hooks expect, where the text says all of it. */
export function payloadOf(answer: Answer): unknown {
  const { body, json } = answer;
  if (body === undefined || !json) return bodyOf(answer);
  try {
    const payload: unknown = JSON.parse(body);
    return JSON.stringify(payload) === body ? payload : body;
  } catch {
    // The handler has set a serializer of its own.
    return body;
  }
}
