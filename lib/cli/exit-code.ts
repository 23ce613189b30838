/** What the process ends with; docs/command-line.md lists them. */
export const EXIT = {
  done: 0,
  /** The answer is no: the key is free, nothing was released, or `doctor` has found a problem. */
  no: 1,
  /** The command, an option or a variable is wrong. */
  misuse: 2,
  /** The store cannot be reached, or refuses. */
  unreachable: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with a message for people, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    readonly code: ExitCode,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
