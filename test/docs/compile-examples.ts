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
      'nestjs-locking/bullmq': [path.join(root, 'lib/coordination/bullmq/index.ts')],
    },
  },
  include: ['*.ts'],
  exclude: [],
};

/**
 * Compiles examples. An example with imports is a whole module; any other is a fragment, which gets `CONTEXT` before
 * it, and a class around it if the note before the block is `class body`.
 *
 * @returns the compiler's complaints, with the lines of the document
 */
export async function compileExamples(document: string, blocks: readonly CodeBlock[]): Promise<string[]> {
  const folder = path.join(root, '.cache', 'examples', `${path.basename(document, '.md')}-${process.pid}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(CONFIG));
    for (const block of blocks) await writeFile(path.join(folder, `line-${block.line}.ts`), moduleOf(block));
    return (await run(folder)).map((complaint) => inDocument(document, complaint));
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

function inDocument(document: string, complaint: string): string {
  return complaint.replace(/^.*?line-(\d+)\.ts\((\d+),\d+\)/, (_, first: string, line: string) => {
    return `${document}:${Number(first) + Number(line) - 1}`;
  });
}
