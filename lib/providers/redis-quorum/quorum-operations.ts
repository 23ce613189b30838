import type { Finding } from '../../provider-api/operable-store.js';
import { pollMajority } from './poll-majority.js';
import type { Quorum } from './quorum.js';
import { clocksApart, nodeNotAsked, nodesPresent } from './redis-quorum.messages.js';

/** In milliseconds: tokens of another majority may be smaller by so much. */
const FAR_APART = 1000;

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

  async examine(): Promise<readonly Finding[]> {
    const { nodes, tally } = this.quorum;
    const looks = await Promise.all(nodes.map(async (node) => this.examineNode(node)));
    const times = looks.flatMap(({ offset }) => (offset === undefined ? [] : [offset]));
    const apart = times.length > 1 ? Math.max(...times) - Math.min(...times) : 0;
    return [
      nodesPresent(times.length, nodes.length, tally.isQuorum(times.length)),
      ...(apart > FAR_APART ? [clocksApart(apart)] : []),
      ...looks.flatMap(({ findings }) => findings),
    ];
  }

  /** Resolves also for a node that cannot be asked. */
  private async examineNode(node: Quorum['nodes'][number]): Promise<{ findings: Finding[]; offset?: number }> {
    try {
      const since = performance.now();
      const offset = (await node.now()) - since;
      const found = await node.examine();
      const findings = found.map((finding) => ({ ...finding, subject: `${finding.subject} (${node.name})` }));
      return { findings, offset };
    } catch (error) {
      return { findings: [nodeNotAsked(node.describe(error))] };
    }
  }
}
