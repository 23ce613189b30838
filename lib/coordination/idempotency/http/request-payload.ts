import type { ExecutionContext } from '@nestjs/common';
import { isLockConfigurationError, LockConfigurationError } from '../../../errors/index.js';
import { nameHandler, requestContext } from '../../../requests/request-context.js';
import { fingerprintOf } from '../fingerprint.js';
import { bodyNotRead, fileNotComparable, multipartNotComparable, payloadUnusable } from './http.messages.js';
import type { IdempotentRequestDefinition } from './idempotent-request.definition.js';
import { IdempotencyProblem } from './problem.js';

/** Of Node's requests, what is needed. */
interface RawRequest {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly readableDidRead?: boolean;
  /** Of HTTP/2. */
  readonly stream?: { readonly endAfterHeaders?: boolean };
}

/** The part of the requests of Express and Fastify that is needed. */
interface Request extends RawRequest {
  readonly url: string;
  readonly originalUrl?: string;
  readonly body?: unknown;
  /** Of Fastify: Node's own request. */
  readonly raw?: RawRequest;
  /** Of multer: one file, or several in a list or by field. Fastify has functions there. */
  readonly file?: unknown;
  readonly files?: unknown;
}

/** A file as multer describes it; its bytes, where they are in memory. */
interface UploadedFile {
  readonly fieldname?: unknown;
  readonly originalname?: unknown;
  readonly mimetype?: unknown;
  readonly buffer?: unknown;
}

/**
 * The fingerprint of what a request asks for: of its URL, its body and its uploaded files, unless the application says otherwise.
 *
 * @throws IdempotencyProblem for a payload that cannot be compared
 * @throws LockConfigurationError where the payload is not there, so that any other would count as the same
 */
export function fingerprintOfRequest(
  { fingerprint }: IdempotentRequestDefinition,
  context: ExecutionContext,
  request: Request,
): string {
  if (fingerprint) return fingerprintOf(fingerprint(requestContext(context)));
  const handler = nameHandler(context);
  const { originalUrl, url, body } = request;
  const files = uploadedFiles(request);
  if (files.length === 0 && isUnread(request)) throw new LockConfigurationError(bodyNotRead(handler));
  const described = files.map((file) => describe(file, handler));
  try {
    const payload = [originalUrl ?? url, fingerprintOf(body)];
    return fingerprintOf(described.length === 0 ? payload : [...payload, described]);
  } catch (cause) {
    if (!isLockConfigurationError(cause)) throw cause;
    // Such objects are those of a parser, with streams and references in a circle. No client can send them.
    if (isMultipart(request)) throw new LockConfigurationError(multipartNotComparable(handler), { cause });
    throw new IdempotencyProblem(payloadUnusable(), { cause });
  }
}

/** Whether the request has a body that nothing has made `request.body` of until now: an interceptor inside may, or the handler. */
function isUnread(request: Request): boolean {
  const { body, headers } = request;
  const { stream, readableDidRead } = request.raw ?? request;
  const isAnnounced =
    headers['transfer-encoding'] !== undefined ||
    Number(headers['content-length'] ?? 0) > 0 ||
    stream?.endAfterHeaders === false;
  if (!isAnnounced) return false;
  if (body === undefined) return true;
  // Some parsers leave that behind for what is not theirs.
  const isEmpty = typeof body === 'object' && Object.keys(body ?? {}).length === 0;
  return isEmpty && readableDidRead === false;
}

function isMultipart({ headers }: Request): boolean {
  return /^multipart\//i.test(String(headers['content-type']));
}

function uploadedFiles({ file, files }: Request): UploadedFile[] {
  const several = typeof files === 'object' && files !== null ? Object.values(files).flat() : [];
  return [file, ...(several as unknown[])].filter((one) => typeof one === 'object' && one !== null);
}

/** @throws LockConfigurationError for a file whose bytes are elsewhere */
function describe({ fieldname, originalname, mimetype, buffer }: UploadedFile, handler: string): unknown {
  if (!(buffer instanceof Uint8Array)) throw new LockConfigurationError(fileNotComparable(handler));
  return [fieldname, originalname, mimetype, fingerprintOf(buffer)];
}
