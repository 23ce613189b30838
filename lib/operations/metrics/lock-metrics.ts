import type { LeaderElections } from '../../coordination/leader-election/leader-elections.js';
import { lockingChannels, type LockingTraceSubscribers } from '../../diagnostics/channels.js';
import type {
  AcquireMessage,
  HoldMessage,
  JobPutBackMessage,
  LockOrigin,
  LossMessage,
  StoreMessage,
  TickMessage,
  TimeoutMessage,
} from '../../diagnostics/messages.interface.js';
import type { LockingRegistry } from '../../module/locking.registry.js';
import { probeStore } from '../probe-store.js';
import type { GaugeName, Labels } from './metric-definitions.js';
import { MetricLabels, type LabelLimits } from './metric-labels.js';
import type { LockTraces, MetricsSink } from './metrics-sink.js';

/** What a gauge reads at a moment. */
export interface Reading {
  readonly gauge: GaugeName;
  readonly labels: Labels;
  readonly value: number;
}

const { acquire, hold, store, timeout, lost, revoked, tick, jobPutBack } = lockingChannels;

const MISSED: readonly string[] = ['overlap', 'late', 'store'];

interface LockMetricsParts {
  /** The module, as warnings name it. */
  readonly what: string;
  readonly registry: LockingRegistry;
  readonly elections: LeaderElections;
  readonly settings: LabelLimits & { readonly probeTimeout: number };
  readonly sink: MetricsSink;
  readonly traces: LockTraces | undefined;
  readonly warn: (message: string) => void;
}

/** The figures of one application, as they are told on the channels and read from its engines. */
export class LockMetrics {
  private readonly registry: LockingRegistry;
  private readonly sink: MetricsSink;
  private readonly labels: MetricLabels;

  /** Every pair of provider and template that was ever read: what is gone is 0, not absent. */
  private readonly seen = new Map<string, { readonly provider: string; readonly key_template: string }>();

  constructor(private readonly parts: LockMetricsParts) {
    const { what, registry, settings, sink, traces, warn } = parts;
    this.registry = registry;
    this.sink = sink;
    this.labels = new MetricLabels(what, settings, warn);
    if (traces) {
      this.waits.start = (message) => {
        if (this.isOwn(message)) traces.note(message);
      };
    }
  }

  start(): void {
    acquire.subscribe(this.waits);
    hold.subscribe(this.holds);
    store.subscribe(this.stores);
    timeout.subscribe(this.onTimeout);
    lost.subscribe(this.onLost);
    revoked.subscribe(this.onLost);
    tick.subscribe(this.onTick);
    jobPutBack.subscribe(this.onPutBack);
  }

  stop(): void {
    acquire.unsubscribe(this.waits);
    hold.unsubscribe(this.holds);
    store.unsubscribe(this.stores);
    timeout.unsubscribe(this.onTimeout);
    lost.unsubscribe(this.onLost);
    revoked.unsubscribe(this.onLost);
    tick.unsubscribe(this.onTick);
    jobPutBack.unsubscribe(this.onPutBack);
  }

  /** What all gauges read now; asks the stores, in bounded time. */
  async read(): Promise<Reading[]> {
    const readings: Reading[] = [...this.readCounts(), ...this.readElections()];
    const probes = this.registry.engines().map(async ({ id: provider, engine }) => {
      const { reachable } = await probeStore(engine, this.parts.settings.probeTimeout);
      readings.push({ gauge: 'storeUp', labels: { provider }, value: Number(reachable) });
      const { wakeUps } = engine;
      if (wakeUps !== 'none' && wakeUps !== 'unused') {
        readings.push({ gauge: 'wakeUpsUp', labels: { provider }, value: Number(wakeUps === 'working') });
      }
    });
    await Promise.all(probes);
    return readings;
  }

  private readCounts(): Reading[] {
    const counts = new Map<string, { waiting: number; held: number }>();
    for (const { id: provider, engine } of this.registry.engines()) {
      for (const [keyTemplate, { waiting, held }] of engine.overview.census()) {
        const labels = { provider, key_template: this.labels.ofTemplate(keyTemplate) };
        const name = `${provider}\n${labels.key_template}`;
        this.seen.set(name, labels);
        const sum = counts.get(name) ?? { waiting: 0, held: 0 };
        counts.set(name, { waiting: sum.waiting + waiting, held: sum.held + held });
      }
    }
    return [...this.seen].flatMap(([name, labels]): Reading[] => [
      { gauge: 'waiters', labels, value: counts.get(name)?.waiting ?? 0 },
      { gauge: 'held', labels, value: counts.get(name)?.held ?? 0 },
    ]);
  }

  /** Of the elections above the limit together: how many of them this instance leads. */
  private readElections(): Reading[] {
    const leading = new Map<string, Reading>();
    for (const { name, provider: given, leads } of this.parts.elections.states()) {
      const provider = this.registry.resolveId(given);
      const election = this.labels.ofElection(name);
      const id = `${provider}\n${election}`;
      const value = (leading.get(id)?.value ?? 0) + Number(leads);
      leading.set(id, { gauge: 'leader', labels: { provider, election }, value });
    }
    return [...leading.values()];
  }

  private isOwn({ application }: LockOrigin): boolean {
    return application === this.registry.application;
  }

  private readonly waits: LockingTraceSubscribers<AcquireMessage> = {
    asyncEnd: (message: AcquireMessage): void => {
      const { provider, keyTemplate, outcome = 'acquired', waited = 0 } = message;
      if (!this.isOwn(message)) return;
      const labels = { provider, key_template: this.labels.ofTemplate(keyTemplate), outcome };
      this.sink.record('wait', labels, waited / 1000, this.parts.traces?.of(message));
    },
  };

  private readonly holds = {
    asyncEnd: (message: HoldMessage): void => {
      const { provider, keyTemplate, outcome = 'released', held = 0 } = message;
      if (!this.isOwn(message)) return;
      const labels = { provider, key_template: this.labels.ofTemplate(keyTemplate), outcome };
      this.sink.record('hold', labels, held / 1000, this.parts.traces?.of(message.wait));
    },
  };

  private readonly stores = {
    asyncEnd: (message: StoreMessage): void => {
      const { provider, operation, duration = 0, failed = 0 } = message;
      if (!this.isOwn(message)) return;
      const outcome = failed === 0 ? 'ok' : 'failed';
      this.sink.record('store', { provider, operation, outcome }, duration / 1000);
    },
  };

  private readonly onTimeout = (message: TimeoutMessage): void => {
    const { provider, keyTemplate, reason } = message;
    if (!this.isOwn(message)) return;
    this.sink.count('timeouts', { provider, key_template: this.labels.ofTemplate(keyTemplate), reason });
  };

  private readonly onLost = (message: LossMessage): void => {
    const { provider, keyTemplate, reason } = message;
    if (!this.isOwn(message)) return;
    this.sink.count('lost', { provider, key_template: this.labels.ofTemplate(keyTemplate), reason });
  };

  private readonly onTick = (message: TickMessage): void => {
    const { provider, kind, name, outcome } = message;
    if (!this.isOwn(message)) return;
    const job_name = this.labels.ofJob(kind, name);
    this.sink.count('ticks', { provider, job_name, outcome });
    if (MISSED.includes(outcome)) this.sink.count('ticksMissed', { provider, job_name, reason: outcome });
  };

  private readonly onPutBack = (message: JobPutBackMessage): void => {
    const { provider, keyTemplate, queue, reason } = message;
    if (!this.isOwn(message)) return;
    const key_template = this.labels.ofTemplate(keyTemplate);
    this.sink.count('jobsPutBack', { provider, key_template, queue: this.labels.ofQueue(queue), reason });
  };
}
