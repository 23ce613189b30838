import { setTimeout as delay } from 'node:timers/promises';
import { isLockConfigurationError } from '../../errors/index.js';
import type { LockingProviderContext } from '../../provider-api/index.js';
import { CONNECT_TIMEOUT } from '../../module/locking.constants.js';
import type { NodeReports, QuorumNode } from './quorum-node.js';
import {
  noAnswerYet,
  nodeBack,
  nodeLeftOut,
  nodeLost,
  nodeNotConnected,
  present,
  tooFewConnected,
} from './redis-quorum.messages.js';

/** What the provider of one node says when its connection is gone: there, a call needs it. */
const LOST =
  /^Connection to Redis in ".*" provider (lost.*?)\. Locked calls fail with LockBackendError until it is back$/s;

/** The connections of a quorum: what they come to together, and what is said of each. */
export class QuorumConnections implements NodeReports {
  private nodes: readonly QuorumNode[] = [];
  private quorum = 0;
  private wasConnected = false;
  private isClosed = false;
  private overdue?: NodeJS.Timeout;

  /** Those that people have been told of. */
  private readonly troubled = new Set<QuorumNode>();

  constructor(
    private readonly context: LockingProviderContext,
    private readonly nodeTimeout: number,
  ) {}

  watch(nodes: readonly QuorumNode[], quorum: number): void {
    this.nodes = nodes;
    this.quorum = quorum;
  }

  /**
   * Resolves once a majority is connected, with a moment for the others, so that the first locks are on all of them.
   * Rejects when a majority cannot be had for now. Every node goes on trying.
   */
  async open(onConnected: () => void): Promise<void> {
    const failures: string[] = [];
    const settled: PromiseLike<void>[] = [];
    this.overdue = setTimeout(() => {
      for (const node of this.nodes) {
        if (!node.isConnected && !this.troubled.has(node)) this.noteFailure(node, noAnswerYet(CONNECT_TIMEOUT));
      }
    }, CONNECT_TIMEOUT).unref();
    await new Promise<void>((resolve, reject) => {
      for (const node of this.nodes) {
        const onNodeConnected = (): void => {
          this.noteReturn(node);
          if (this.connected() < this.quorum) return;
          if (!this.wasConnected) {
            this.wasConnected = true;
            onConnected();
          }
          resolve();
        };
        const connecting = node.connect(onNodeConnected).catch((error: unknown) => {
          if (isLockConfigurationError(error)) {
            reject(error);
            return;
          }
          failures.push(node.describe(error));
          this.noteFailure(node, error instanceof Error ? error.message : String(error));
          if (failures.length <= this.nodes.length - this.quorum) return;
          reject(new Error(tooFewConnected(this.connected(), this.nodes.length, this.quorum, failures)));
        });
        settled.push(connecting);
      }
    });
    await Promise.race([Promise.all(settled), delay(this.nodeTimeout, undefined, { ref: false })]);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.overdue);
    await Promise.all(this.nodes.map(async (node) => node.close()));
  }

  /** Passes on what the provider of a node warns of. */
  noteWarning(node: QuorumNode, message: string): void {
    const [, what] = LOST.exec(message) ?? [];
    if (what === undefined) {
      this.context.warn(message);
      return;
    }
    node.isConnected = false;
    this.troubled.add(node);
    if (this.connected() < this.quorum) this.wasConnected = false;
    this.context.warn(nodeLost(this.context.id, node.name, what, this.present()));
  }

  leftOut(node: QuorumNode): void {
    this.troubled.add(node);
    this.context.warn(nodeLeftOut(this.context.id, node.name, this.nodeTimeout));
  }

  answersAgain(node: QuorumNode): void {
    this.noteReturn(node);
  }

  private noteFailure(node: QuorumNode, cause: string): void {
    if (this.isClosed) return;
    this.troubled.add(node);
    this.context.warn(nodeNotConnected(this.context.id, node.name, cause, this.present()));
  }

  /** Of a node that was reported once, people want to know that it is there again. */
  private noteReturn(node: QuorumNode): void {
    if (this.troubled.delete(node)) this.context.warn(nodeBack(this.context.id, node.name, this.present()));
  }

  private connected(): number {
    return this.nodes.filter(({ isConnected }) => isConnected).length;
  }

  private present(): string {
    return present(this.connected(), this.nodes.length, this.quorum);
  }
}
