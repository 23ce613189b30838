import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { LeaderElections } from './leader-elections.js';

/** Once in an application that has locks. Global, as a method with `@LeaderOnly` may stand in any module. */
@Global()
@Module({ imports: [DiscoveryModule], providers: [LeaderElections], exports: [LeaderElections] })
export class LeaderElectionModule {}
