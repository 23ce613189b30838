import type { Redis } from 'ioredis';
import type { StoredLease } from '../../provider-api/index.js';
import type { ExaminationDepth, Finding, QueueEntry } from '../../provider-api/operable-store.js';
import type { RunScript } from './batches.js';
import { isReply, malformedReply, wholeNumber } from './redis-errors.js';
import { examineCounter, examineServer } from './redis-examination.js';
import { isOut, ofSeveralServers } from './several-servers.js';
import { scanKeys } from './scan-keys.js';
import { serverOf } from './server-of.js';
import type { StoreConnection } from './store-connection.js';
import type { StoreKeys } from './store-keys.js';

/** A lease as an operator saw it; without a token, any lease of the owner. */
export interface SeenLease extends Pick<StoredLease, 'key' | 'ownerId'> {
  readonly fencingToken?: number | null | undefined;
}

/** What operators ask of Redis. */
export class RedisOperations {
  constructor(
    private readonly connection: StoreConnection,
    private readonly keys: StoreKeys,
    private readonly run: RunScript,
    private readonly minReplicas: number,
  ) {}

  async now(): Promise<number> {
    const [server] = this.connection.masters();
    return server ? this.timeOf(server) : NaN;
  }

  async readQueue(key: string): Promise<readonly QueueEntry[]> {
    const reply = await this.run('readQueue', this.keys.forGrants([key]), []);
    if (!Array.isArray(reply) || reply.length % 3 !== 0) throw malformedReply('readQueue');
    return Array.from({ length: reply.length / 3 }, (_, index) => {
      const [processId, silentFor, ownerId] = (reply as unknown[]).slice(3 * index, 3 * index + 3).map(String);
      const silence = wholeNumber(silentFor);
      const entry = silence >= 0 ? { ownerId: ownerId ?? '', silentFor: silence } : {};
      return { processId: processId ?? '', ...entry };
    });
  }

  async *listQueued(): AsyncGenerator<string> {
    const start = this.connection.keyPrefix + this.keys.orders;
    const seen = new Set<string>();
    for (const server of this.connection.masters()) {
      for await (const page of scanKeys(server, start, 'list', this.explain)) {
        for (const name of page) {
          const key = this.keys.keyOfOrder(name.slice(start.length));
          if (!seen.has(key)) yield key;
          seen.add(key);
        }
      }
    }
  }

  async revokeSeen({ key, ownerId, fencingToken }: SeenLease): Promise<boolean> {
    const expected = fencingToken === null ? `raw ${ownerId}` : `own ${String(fencingToken ?? '')} ${ownerId}`;
    const held = wholeNumber(await this.run('revoke', this.keys.forGrants([key]), [expected]));
    if (held !== 0 && held !== 1) throw malformedReply('revoke');
    return held === 1;
  }

  async examine(depth: ExaminationDepth): Promise<readonly Finding[]> {
    const servers = this.connection.masters();
    const looks = await Promise.all(servers.map(async (server) => this.examineOne(server, depth)));
    if (looks.length <= 1) return looks.flatMap(({ findings }) => findings);
    return ofSeveralServers(looks, looks.every(isOut));
  }

  private async examineOne(server: Redis, depth: ExaminationDepth): Promise<{ name: string; findings: Finding[] }> {
    try {
      const findings = await examineServer(server, this.minReplicas);
      // In a cluster each slot has a counter of its own.
      if (depth === 'full' && !this.connection.client().isCluster) {
        findings.push(...examineCounter(await this.counterOf(server), await this.timeOf(server)));
      }
      return { name: serverOf(server), findings };
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** Empty where another program has written a value of another type. */
  private async counterOf(server: Redis): Promise<string | null> {
    return server.get(this.keys.counter('')).catch((error: unknown) => {
      if (isReply(error) && error.message.startsWith('WRONGTYPE ')) return '';
      throw error;
    });
  }

  private async timeOf(server: Redis): Promise<number> {
    const reply: unknown = await server.time().catch((error: unknown) => {
      throw this.explain(error);
    });
    const [seconds = NaN, micros = NaN] = Array.isArray(reply) ? (reply as unknown[]).map(wholeNumber) : [];
    const time = seconds * 1000 + micros / 1000;
    if (!Number.isFinite(time)) throw malformedReply('TIME');
    return time;
  }

  private readonly explain = (error: unknown): unknown => this.connection.explain(error);
}
