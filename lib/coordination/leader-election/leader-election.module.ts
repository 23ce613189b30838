import { Global, Module } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, ModuleRef, ModulesContainer } from '@nestjs/core';
import { LeaderElections } from './leader-elections.js';

/** By application. Nest 11.0 makes a module anew that a lazily loaded one imports: its elections would never begin. */
const elections = new WeakMap<ModulesContainer, LeaderElections>();

function electionsOf(modules: ModulesContainer, moduleRef: ModuleRef, discovery: DiscoveryService): LeaderElections {
  let known = elections.get(modules);
  if (!known) elections.set(modules, (known = new LeaderElections(moduleRef, discovery)));
  return known;
}

/** Once in an application that has locks. Global, as a method with `@LeaderOnly` may stand in any module. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    { provide: LeaderElections, inject: [ModulesContainer, ModuleRef, DiscoveryService], useFactory: electionsOf },
  ],
  exports: [LeaderElections],
})
export class LeaderElectionModule {}
