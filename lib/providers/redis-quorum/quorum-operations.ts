import type { ExaminationDepth, Finding } from '../../provider-api/operable-store.js';
import { isOut, ofSeveralServers } from '../redis/several-servers.js';
import { pollMajority } from './poll-majority.js';
import type { Quorum } from './quorum.js';
import { clocksApart, nodeNotAsked, nodesPresent } from './redis-quorum.messages.js';

/** In milliseconds: tokens of another majority may be smaller by so much. */
const FAR_APART = 1000;

interface NodeLook {
  readonly name: string;
  readonly findings: readonly Finding[];
  readonly offset?: number;
  /** Tells why it could not be asked. */
  readonly notAsked?: Finding;
}

/** What operators ask of the nodes together. */
export class QuorumOperations {
  constructor(private readonly quorum: Quorum) {}

  /** The median of those that answer. */
  async now(): Promise<number> {
    const { nodes, tally } = this.quorum;
    const asked = nodes.map(async (node) => node.now());
    const votes = await pollMajority(this.quorum, asked, (some) =>
      tally.isQuorum(some.filter((vote) => vote && 'answer' in vote).length),
    );
    const times = votes.flatMap((vote) => (vote && 'answer' in vote ? [vote.answer] : []));
    return times.sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? NaN;
  }

  async examine(depth: ExaminationDepth): Promise<readonly Finding[]> {
    const { nodes, tally } = this.quorum;
    const looks = await Promise.all(nodes.map(async (node) => this.examineNode(node, depth)));
    const times = looks.flatMap(({ offset }) => (offset === undefined ? [] : [offset]));
    const apart = times.length > 1 ? Math.max(...times) - Math.min(...times) : 0;
    return [
      nodesPresent(times.length, nodes.length, tally.isQuorum(times.length)),
      ...(apart > FAR_APART ? [clocksApart(apart)] : []),
      ...looks.flatMap(({ notAsked }) => notAsked ?? []),
      ...ofSeveralServers(looks, !tally.isQuorum(looks.filter((look) => !look.notAsked && !isOut(look)).length)),
    ];
  }

  /** Resolves also for a node that cannot be asked. */
  private async examineNode(node: Quorum['nodes'][number], depth: ExaminationDepth): Promise<NodeLook> {
    const { name } = node;
    try {
      const since = performance.now();
      const offset = (await node.now()) - since;
      return { name, findings: await node.examine(depth), offset };
    } catch (error) {
      return { name, findings: [], notAsked: nodeNotAsked(node.describe(error)) };
    }
  }
}
