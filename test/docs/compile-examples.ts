import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CodeBlock } from '../support/markdown.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tsc = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@typescript/native/package.json')),
  'bin/tsc',
);

/** Declarations that the fragments of the documentation rely on. */
const CONTEXT = [
  `import { isLockBackendError, isLockLostError, isLockTimeoutError, WithLock, type LockingService } from 'nestjs-locking';`,
  `import { LockingModule, PostgresLockingProvider, RedisLockingProvider, RedisQuorumLockingProvider } from 'nestjs-locking';`,
  `import { readFileSync } from 'node:fs';`,
  `declare const locking: LockingService;`,
  `declare const orderId: string;`,
  `declare const accountId: string;`,
  `declare const client: { query(sql: string, values?: unknown[]): Promise<{ rows: object[] }> };`,
  `declare const db: { query(sql: string, values: unknown[]): Promise<{ rowCount: number }> };`,
  `declare const prisma: { order: { updateMany(q: { where: object; data: object }): Promise<{ count: number }> } };`,
  `interface Update { set(v: object): Update; where(sql: string, v: object): Update; execute(): Promise<{ affected?: number }> }`,
  `declare const orders: { createQueryBuilder(): { update(): Update } };`,
  `interface Accounts { findAccount(id: string): Promise<{ balance: number }>; setBalance(id: string, to: number): Promise<void> }`,
  `declare function transaction(work: (tx: Accounts) => Promise<void>): Promise<void>;`,
  `declare const queue: { add(name: string, data: object): Promise<unknown> };`,
  `declare function Transactional(): MethodDecorator;`,
  `interface PayDto { id: string }`,
  `export type { PayDto };`,
].join(' ');

const CONFIG = {
  extends: path.join(root, 'tsconfig.json'),
  compilerOptions: {
    noUnusedLocals: false,
    noUnusedParameters: false,
    paths: {
      'nestjs-locking': [path.join(root, 'lib/index.ts')],
      'nestjs-locking/testing': [path.join(root, 'lib/testing/index.ts')],
      'nestjs-locking/schedule': [path.join(root, 'lib/coordination/schedule/index.ts')],
      'nestjs-locking/cache': [path.join(root, 'lib/coordination/cache/index.ts')],
      'nestjs-locking/bullmq': [path.join(root, 'lib/coordination/bullmq/index.ts')],
      'nestjs-locking/prometheus': [path.join(root, 'lib/operations/prometheus/index.ts')],
      'nestjs-locking/opentelemetry': [path.join(root, 'lib/operations/opentelemetry/index.ts')],
      'nestjs-locking/terminus': [path.join(root, 'lib/operations/terminus/index.ts')],
      'nestjs-locking/dashboard': [path.join(root, 'lib/operations/dashboard/index.ts')],
    },
  },
  include: ['**/*.ts'],
  exclude: [],
};

/**
 * Compiles the examples of documents, all in one run of the compiler. An example with imports is a whole module; any other is
 * a fragment, which gets `CONTEXT` before it, and a class around it if the note before the block is `class body`.
 *
 * @returns the compiler's complaints by document, with the lines of the document
 */
export async function compileExamples(
  documents: ReadonlyMap<string, readonly CodeBlock[]>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const folder = path.join(root, '.cache', 'examples', `compiled-${process.pid}`);
  await rm(folder, { recursive: true, force: true });
  try {
    for (const [document, blocks] of documents) {
      const place = path.join(folder, document);
      await mkdir(place, { recursive: true });
      for (const block of blocks) await writeFile(path.join(place, `line-${block.line}.ts`), moduleOf(block));
    }
    await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(CONFIG));
    const complaints = await run(folder);
    return new Map([...documents.keys()].map((document) => [document, complaintsOf(document, complaints)]));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Puts everything before an example on its first line, so that line numbers stay right. */
function moduleOf({ text, note }: CodeBlock): string {
  if (/^import /m.test(text)) return text;
  return note === 'class body' ? `${CONTEXT} export class Example {${text}}\n` : `${CONTEXT} ${text}`;
}

async function run(folder: string): Promise<string[]> {
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`.trim();
      resolve(error ? (output || error.message).split('\n') : []);
    });
  });
}

/** A complaint that names no example is one of each document. */
function complaintsOf(document: string, complaints: readonly string[]): string[] {
  return complaints.flatMap((complaint) => {
    const [place = '', first, line] = /^.*?line-(\d+)\.ts\((\d+),\d+\)/.exec(complaint) ?? [];
    if (place === '') return [complaint];
    if (!place.startsWith(`${document}/`)) return [];
    return [`${document}:${Number(first) + Number(line) - 1}${complaint.slice(place.length)}`];
  });
}
