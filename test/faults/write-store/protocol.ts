/** A line of JSON each way per step. */
export interface WriteRequest {
  readonly n: number;
  readonly by: string;
  readonly id: number;
  readonly op: 'read' | 'write';
  readonly key: string;
  readonly token: number;
  /** With `write`: what was read, and is to be counted up by one. */
  readonly base?: Counters;
}

/** The same counter twice: `fenced` refuses stale tokens, `plain` takes whatever comes. */
export interface Counters {
  readonly fenced: number;
  readonly plain: number;
}

export interface WriteAnswer {
  readonly n: number;
  readonly accepted: boolean;
  readonly value: Counters;
}
