import type { Clock, ClockTimer } from '../../engine/runtime/clock.js';
import { concerns, releaseProbe, type Probe } from './probe.js';
import type { SharedCircuit } from './shared-circuit.js';

/** So often a process whose call is the probe reads the state, in milliseconds. */
const LOOK_EVERY = 1000;

/** The one call of a process that is the probe of a circuit, or asks to be. */
export class ProbeSlot {
  private current?: Probe | 'asking';
  private timeout?: ClockTimer;
  private looking?: ClockTimer;

  constructor(
    private readonly clock: Clock,
    private readonly shared: Pick<SharedCircuit, 'state' | 'refresh'>,
  ) {}

  get isTaken(): boolean {
    return this.current !== undefined;
  }

  /** Takes the probe with `take`. Until that is answered, and as long as the probe lasts, no other call asks. */
  async ask(take: () => Promise<Probe | 'taken' | 'changed'>): Promise<Probe | 'taken' | 'changed'> {
    this.current = 'asking';
    try {
      const answer = await take();
      this.current = typeof answer === 'object' ? answer : undefined;
      this.endIfOver();
      return answer;
    } catch (error) {
      this.current = undefined;
      throw error;
    }
  }

  /** Returns whether the call is still to be the probe. */
  begin(probe: Probe, timeout: number, onTimeout: () => void): boolean {
    if (this.current !== probe) return false;
    this.timeout = this.clock.setTimer(onTimeout, timeout, false);
    this.lookLater();
    return true;
  }

  /** Returns whether the call was still the probe. */
  end(probe: Probe): boolean {
    if (this.current !== probe) return false;
    this.close();
    this.current = undefined;
    return true;
  }

  /** Ends the probe if another state has been set: its call may hang, and the next half-open state needs the slot. */
  endIfOver(): void {
    const { current } = this;
    if (typeof current !== 'object' || concerns(current, this.shared.state)) return;
    this.end(current);
    void releaseProbe(current);
  }

  close(): void {
    this.timeout?.cancel();
    this.looking?.cancel();
  }

  private lookLater(): void {
    this.looking = this.clock.setTimer(
      () => {
        // No other call of this process reads it meanwhile, and a message may be lost.
        void this.shared.refresh();
        this.lookLater();
      },
      LOOK_EVERY,
      false,
    );
  }
}
