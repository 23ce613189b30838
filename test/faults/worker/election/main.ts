import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getLeaderElectionToken, LockingModule, type LeaderElection } from 'nestjs-locking';
import type { Appender } from '../../history/append.js';
import type { WorkerRecord } from '../../history/records.js';
import { Random } from '../../random.js';
import type { WriteClient } from '../../write-store/client.js';
import type { WorkerSetup } from '../orders.js';
import { providerClass } from '../providers.js';
import { Leader } from './leader.js';
import { TrustsForEver } from './trusts-for-ever.js';

const NAME = 'contest';

/** In leases: how long a leader leads before it resigns, without a fault. */
const SHORTEST_TERM = 1;
const LONGEST_TERM = 6;

/** A worker's part in the election of the contest: an application of its own, which can be closed before the other. */
export class ElectionContest {
  private constructor(
    private readonly application: INestApplicationContext,
    private readonly leader: Leader,
    private readonly resigning: NodeJS.Timeout,
  ) {}

  static async start(
    setup: WorkerSetup,
    history: Appender<WorkerRecord>,
    writes: WriteClient,
  ): Promise<ElectionContest> {
    const { lease, provider } = setup;
    const heartbeat = Math.round(lease / 5);
    const leader = new Leader(lease, heartbeat, history, writes);

    @Module({
      imports: [
        LockingModule.forRoot({
          providers: [{ resolve: providerClass(provider.kind), options: provider.options }],
        }),
        LockingModule.forFeature({
          leaders: [
            {
              name: NAME,
              heartbeatInterval: `${heartbeat}ms`,
              leaderTimeout: `${lease}ms`,
              instanceId: setup.name,
            },
          ],
        }),
      ],
      providers: [{ provide: Leader, useValue: leader }],
    })
    class ElectionModule {}

    const application = await NestFactory.createApplicationContext(ElectionModule, {
      logger: ['error', 'warn'],
      abortOnError: false,
    });
    const election = application.get<LeaderElection>(getLeaderElectionToken(NAME));
    leader.observe(setup.broken === undefined ? election : new TrustsForEver(election));
    const random = new Random(setup.seed, setup.name, 'election');
    // Called outside its term, as a step-down from within would not wait for the work of the leader.
    const resigning = setInterval(
      () => {
        if (random.chance(0.6)) void election.resign();
      },
      random.between(SHORTEST_TERM, LONGEST_TERM) * lease,
    );
    return new ElectionContest(application, leader, resigning.unref());
  }

  /** Resolves once another instance may lead. */
  async stop(): Promise<void> {
    clearInterval(this.resigning);
    this.leader.stop();
    await this.application.close();
  }
}
