/** Each step is one line of JSON each way. */
export interface WriteRequest {
  readonly n: number;
  readonly by: string;
  readonly id: number;
  readonly op: 'read' | 'write';
  readonly key: string;
  readonly token: number;
  /** With `write`: the counters that were read; they are incremented. */
  readonly base?: Counters;
}

/** The same counter twice: `fenced` refuses stale tokens, `plain` accepts all writes. */
export interface Counters {
  readonly fenced: number;
  readonly plain: number;
}

export interface WriteAnswer {
  readonly n: number;
  readonly accepted: boolean;
  readonly value: Counters;
}
