/** Parent to worker. */
export interface Call {
  readonly id: number;
  readonly operation: string;
  readonly parameters: unknown;
}

/** Worker to parent: first `ready`, then an answer to each call. */
export type Message =
  | { readonly type: 'ready' }
  | { readonly type: 'answer'; readonly id: number; readonly result?: unknown; readonly error?: string };
