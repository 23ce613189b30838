import type { Patience } from './poll.js';
import type { QuorumNode } from './quorum-node.js';
import type { Tally } from './tally.js';

/** The nodes, and how they are asked. */
export interface Quorum {
  readonly nodes: readonly QuorumNode[];
  readonly tally: Tally;
  readonly patience: Patience;
}
