/** A rule, broken: `search`, which stands in `file` once, gives way to `replace`, and one of `tests` has to fail. */
export interface Mutation {
  readonly rule: string;
  readonly file: string;
  readonly search: string;
  readonly replace: string;
  readonly tests: readonly string[];
}

export const MUTATIONS: readonly Mutation[];
