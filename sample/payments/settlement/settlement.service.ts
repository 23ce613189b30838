import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { InjectLeaderElection, LeaderElection, LeaderOnly } from 'nestjs-locking';
import { Bank } from '../bank/bank.js';

/** Scheduled work: every instance has the timer, only the leader settles. */
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
    // If the term has ended meanwhile, the bank refuses the write by its token.
    if (fencingToken !== undefined) await this.bank.settle(fencingToken);
  }
}
