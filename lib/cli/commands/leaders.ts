import { instanceOf } from '../../coordination/leader-election/leader-keys.js';
import type { Command } from '../command.interface.js';
import { EXIT } from '../exit-code.js';
import { readElectionKey } from '../key-names.js';
import { StoreClock, toLockRow } from '../lock-row.js';
import type { OpenStore } from '../store/open-store.js';
import { formatDuration } from '../../operations/examination/format-duration.js';
import { printable } from '../terminal/printable.js';
import { tableLines, type Column } from '../terminal/table.js';

/** An election as JSON has it. */
interface Election {
  readonly election: string;
  /** The instance that leads; `null` while none does. */
  leader: string | null;
  token: number | null;
  /** Milliseconds since the term began, and until it ends unless it is renewed. */
  leadsFor: number | null;
  ttl: number | null;
  /** The instances that take part, the leader included. */
  readonly instances: string[];
}

const COLUMNS: readonly Column[] = [
  { title: 'ELECTION', flexible: true },
  { title: 'LEADER', flexible: true },
  { title: 'TOKEN', align: 'right' },
  { title: 'LEADS FOR', align: 'right' },
  { title: 'EXPIRES IN', align: 'right' },
  { title: 'INSTANCES', align: 'right' },
];

export const leaders: Command = {
  name: 'leaders',
  usage: '',
  summary: 'the leader of each election, and how many instances take part',
  arguments: [0, 0],
  options: {},
  run: async ({ values, terminal, open }) => {
    const elections = await findElections(await open());
    if (values.json === true) {
      for (const election of elections) await terminal.json(election);
      return EXIT.done;
    }
    if (elections.length === 0) {
      terminal.note('No instance takes part in an election.');
      return EXIT.done;
    }
    const [titles = '', ...lines] = tableLines(COLUMNS, elections.map(cells), terminal.columns);
    await terminal.line(terminal.style('bold', titles));
    for (const line of lines) await terminal.line(line);
    return EXIT.done;
  },
};

async function findElections(store: OpenStore): Promise<Election[]> {
  const clock = await StoreClock.of(store);
  const byName = new Map<string, Election>();
  for await (const lease of store.list('leader:*')) {
    const key = readElectionKey(lease.key);
    if (!key) continue;
    const { name, instance } = key;
    let election = byName.get(name);
    if (!election) {
      election = { election: name, leader: null, token: null, leadsFor: null, ttl: null, instances: [] };
      byName.set(name, election);
    }
    if (instance !== undefined) election.instances.push(instance);
    else {
      const { heldFor, ttl, fencingToken } = toLockRow(lease, clock);
      Object.assign(election, { leader: instanceOf(lease.ownerId), token: fencingToken, leadsFor: heldFor, ttl });
    }
  }
  for (const { instances } of byName.values()) instances.sort();
  return [...byName.values()].sort((one, other) => (one.election < other.election ? -1 : 1));
}

function cells({ election, leader, token, leadsFor, ttl, instances }: Election): string[] {
  return [
    printable(election),
    leader === null ? '(none)' : printable(leader),
    token === null ? '-' : String(token),
    leadsFor === null ? '-' : formatDuration(leadsFor),
    ttl === null ? '-' : formatDuration(ttl),
    String(instances.length),
  ];
}
