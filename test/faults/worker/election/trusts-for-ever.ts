import type { Belief } from './leader.js';

/** Broken on purpose: whoever has led once believes it for ever, whatever the signal says. */
export class TrustsForEver implements Belief {
  private hasLed = false;

  constructor(private readonly election: Belief) {}

  isLeader(): boolean {
    return (this.hasLed ||= this.election.isLeader());
  }
}
