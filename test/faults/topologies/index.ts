import { Cluster } from './cluster.js';
import { Postgres } from './postgres.js';
import { PostgresReplicated } from './postgres-replicated.js';
import { Quorum } from './quorum.js';
import { Sentinel } from './sentinel.js';
import { Standalone } from './standalone.js';
import type { Topology } from './topology.js';

/** The deployments that a run can be made on, by their names on the command line. */
const TOPOLOGIES: Readonly<Record<string, () => Topology>> = {
  standalone: () => new Standalone(),
  sentinel: () => new Sentinel(),
  cluster: () => new Cluster(),
  quorum: () => new Quorum(),
  postgres: () => new Postgres(),
  'postgres-replicated': () => new PostgresReplicated('sync'),
  'postgres-asynchronous': () => new PostgresReplicated('async'),
};

/** @param broken - the kind of a provider that is broken on purpose */
export function createTopology(name: string, broken?: string): Topology {
  if (broken !== undefined) return new Standalone(`broken: ${broken}`);
  const create = TOPOLOGIES[name];
  if (!create) throw new Error(`There is no topology ${JSON.stringify(name)}: ${Object.keys(TOPOLOGIES).join(', ')}`);
  return create();
}
