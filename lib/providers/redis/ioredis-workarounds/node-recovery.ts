import { queueMicrotask } from '../../../engine/runtime/real-queues.js';
import type { Cluster, Redis } from 'ioredis';

/** How often it is asked who serves what while a node is missing, in milliseconds. */
const REFRESH_INTERVAL = 200;

/** A node that has owed an answer for so long, in milliseconds, may have been replaced by now. */
const SILENCE = 1000;

/**
 * Finds the new masters after a failover. ioredis removes a lost node and reads the slots again only after a redirection.
 * This class has it read them from the loss of a node until every master answers.
 *
 * https://github.com/redis/ioredis/issues/587
 */
export class NodeRecovery {
  /** Nodes that were lost and are named as masters all the same, or of which ioredis does not know yet. */
  private readonly lost = new Set<string>();
  private timer?: NodeJS.Timeout;

  /** Masters that are being connected to. */
  private readonly opening = new Map<string, Promise<void>>();
  private readonly unanswered = new Set<{ readonly since: number }>();
  private silenceTimer?: NodeJS.Timeout;

  /** The masters as of the last look; none before the first one. */
  private masters = new Set<string>();

  /** @param onReplaced - told when a node is a master that was none, or all are connected to anew */
  constructor(
    private readonly cluster: Cluster,
    private readonly onReplaced: () => void,
  ) {}

  /** From when the cluster is ready. Resolves once it is known of every master whether it can be reached. */
  async start(): Promise<void> {
    this.stop();
    this.cluster.on('-node', this.noteLoss).on('+node', this.noteNode).on('refresh', this.connectMasters);
    const isFirst = this.masters.size === 0;
    this.connectMasters();
    await Promise.allSettled(this.opening.values());
    if (!isFirst) this.onReplaced();
  }

  /** What a command for this slot has to wait for: while a node is being connected to, ioredis refuses all but the first. */
  openingFor(slot: () => number): Promise<void> | undefined {
    if (this.opening.size === 0) return undefined;
    return this.opening.get(this.cluster.slots[slot()]?.[0] ?? '');
  }

  stop(): void {
    this.cluster.off('-node', this.noteLoss).off('+node', this.noteNode).off('refresh', this.connectMasters);
    clearTimeout(this.timer);
    clearInterval(this.silenceTimer);
    this.timer = this.silenceTimer = undefined;
    this.lost.clear();
    this.unanswered.clear();
    this.opening.clear();
  }

  /** A server that is frozen, or cut off, answers nothing and refuses nothing: only its silence tells. */
  watch(command: Promise<unknown>): void {
    const open = { since: performance.now() };
    const close = (): void => void this.unanswered.delete(open);
    this.unanswered.add(open);
    command.then(close, close);
    this.silenceTimer ??= setInterval(this.checkSilence, SILENCE).unref();
  }

  private readonly noteLoss = (node: Redis): void => {
    if (this.cluster.status !== 'ready') return;
    this.lost.add(nameOf(node));
    this.timer ??= setTimeout(this.refresh, 0).unref();
  };

  private readonly noteNode = (): void => {
    // A command that was redirected to the node is sent first, which connects it.
    queueMicrotask(this.connectMasters);
  };

  private readonly refresh = (): void => {
    this.timer = undefined;
    if (this.cluster.status !== 'ready') {
      // It connects anew by itself, and then asks.
      this.lost.clear();
      return;
    }
    this.cluster.refreshSlotsCache(() => {
      if (this.lost.size > 0) this.timer ??= setTimeout(this.refresh, REFRESH_INTERVAL).unref();
    });
  };

  private readonly connectMasters = (): void => {
    // Before it is ready it asks a node itself, which only works with one that is not being connected to.
    if (this.cluster.status !== 'ready') return;
    const masters = new Map(this.cluster.nodes('master').map((node) => [nameOf(node), node]));
    for (const name of this.lost) if (!masters.has(name)) this.lost.delete(name);
    for (const [name, node] of masters) {
      if (node.status === 'ready') this.lost.delete(name);
      else if (!this.opening.has(name)) this.connect(name, node);
    }
    const former = this.masters;
    this.masters = new Set(masters.keys());
    if (former.size > 0 && [...masters.keys()].some((name) => !former.has(name))) this.onReplaced();
  };

  private connect(name: string, node: Redis): void {
    const opening = untilReady(node);
    const end = (): void => {
      if (this.opening.get(name) === opening) this.opening.delete(name);
    };
    this.opening.set(name, opening);
    opening
      .then(
        () => this.lost.delete(name),
        () => undefined,
      )
      .then(end, end);
  }

  private readonly checkSilence = (): void => {
    const [oldest] = this.unanswered;
    if (!oldest) {
      clearInterval(this.silenceTimer);
      this.silenceTimer = undefined;
    } else if (performance.now() - oldest.since > SILENCE && this.cluster.status === 'ready') {
      this.cluster.refreshSlotsCache();
    }
  };
}

async function untilReady(node: Redis): Promise<void> {
  if (node.status === 'wait') return node.connect();
  await new Promise<void>((resolve, reject) => {
    const settle = (done: () => void) => (): void => {
      node.off('ready', onReady).off('end', onEnd);
      done();
    };
    const onReady = settle(resolve);
    const onEnd = settle(() => {
      reject(new Error('the connection was not made'));
    });
    node.once('ready', onReady).once('end', onEnd);
    if (node.status === 'end') onEnd();
  });
}

/** Whether two clients are for the same node. */
export function isSameNode(one: Redis, other: Redis): boolean {
  return nameOf(one) === nameOf(other);
}

function nameOf({ options: { host, port } }: Redis): string {
  return `${String(host)}:${String(port)}`;
}
