/** Seconds. From what an uncontended lock in Redis takes to the longest wait by default, twice. */
export const BUCKETS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface MetricDefinition {
  readonly name: string;
  readonly kind: 'histogram' | 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
}

/** Every metric, by the name that OpenTelemetry gives it. Prometheus has `_` in place of `.`, and the unit at the end. */
export const METRICS = {
  wait: {
    name: 'locking.wait.duration',
    kind: 'histogram',
    help: 'How long callers waited for a lock, by how the wait ended.',
    labels: ['provider', 'key_template', 'outcome'],
  },
  hold: {
    name: 'locking.hold.duration',
    kind: 'histogram',
    help: 'How long locks were held, by how the hold ended.',
    labels: ['provider', 'key_template', 'outcome'],
  },
  store: {
    name: 'locking.store.duration',
    kind: 'histogram',
    help: 'How long calls to the store took.',
    labels: ['provider', 'operation', 'outcome'],
  },
  timeouts: {
    name: 'locking.timeouts',
    kind: 'counter',
    help: 'Calls that were prepared to wait and got no lock.',
    labels: ['provider', 'key_template', 'reason'],
  },
  lost: {
    name: 'locking.lost',
    kind: 'counter',
    help: 'Locks that ended before their release.',
    labels: ['provider', 'key_template', 'reason'],
  },
  ticks: {
    name: 'locking.ticks',
    kind: 'counter',
    help: 'Ticks of scheduled jobs, by what became of them in this instance.',
    // Not `job`: Prometheus gives each target a label of that name, and renames that of the target.
    labels: ['provider', 'job_name', 'outcome'],
  },
  ticksMissed: {
    name: 'locking.ticks.missed',
    kind: 'counter',
    help: 'Ticks of scheduled jobs that were not begun although they were due.',
    labels: ['provider', 'job_name', 'reason'],
  },
  jobsPutBack: {
    name: 'locking.jobs.put_back',
    kind: 'counter',
    help: 'Queue jobs that were put back, to be tried again later.',
    labels: ['provider', 'key_template', 'queue', 'reason'],
  },
  waiters: {
    name: 'locking.waiters',
    kind: 'gauge',
    help: 'Callers of this process that wait for a lock.',
    labels: ['provider', 'key_template'],
  },
  held: {
    name: 'locking.held',
    kind: 'gauge',
    help: 'Locks that this process holds.',
    labels: ['provider', 'key_template'],
  },
  storeUp: {
    name: 'locking.store.up',
    kind: 'gauge',
    help: 'Whether the store of the locks answers: 1 or 0.',
    labels: ['provider'],
  },
  wakeUpsUp: {
    name: 'locking.wake_ups.up',
    kind: 'gauge',
    help: 'Whether the store tells this process of grants: 1 or 0; absent before the first wait.',
    labels: ['provider'],
  },
  leader: {
    name: 'locking.leader',
    kind: 'gauge',
    help: 'Whether this instance leads an election: 1 or 0.',
    labels: ['provider', 'election'],
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;

type NamesOf<Kind> = { [Name in MetricName]: (typeof METRICS)[Name]['kind'] extends Kind ? Name : never }[MetricName];

export type HistogramName = NamesOf<'histogram'>;
export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;

/** One value for each label of a metric. */
export type Labels = Readonly<Record<string, string>>;

export const namesOf = <Kind extends MetricDefinition['kind']>(kind: Kind): NamesOf<Kind>[] =>
  (Object.keys(METRICS) as MetricName[]).filter((name) => METRICS[name].kind === kind) as NamesOf<Kind>[];
