import type { Belief } from './leader.js';

/** Broken on purpose: an instance that has led once believes it for ever. */
export class TrustsForEver implements Belief {
  private hasLed = false;

  constructor(private readonly election: Belief) {}

  isLeader(): boolean {
    return (this.hasLed ||= this.election.isLeader());
  }
}
