import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { InjectLeaderElection, LeaderElection, LeaderOnly } from 'nestjs-locking';
import { Bank } from '../bank/bank.js';

/** The scheduled work: every instance has the timer, the leader alone does it. */
@Injectable()
export class SettlementService {
  constructor(
    private readonly bank: Bank,
    @InjectLeaderElection('settlement') private readonly election: LeaderElection,
  ) {}

  @Interval(500)
  @LeaderOnly('settlement')
  async settle(): Promise<void> {
    const { fencingToken } = this.election;
    // One whose term has ended meanwhile is refused by the bank, by its token.
    if (fencingToken !== undefined) await this.bank.settle(fencingToken);
  }
}
