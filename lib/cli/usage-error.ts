/** The command line is wrong: exit code 2, with a hint at the help. */
export class UsageError extends Error {
  constructor(
    message: string,
    /** The command whose help is meant, with a space behind it; empty for the help of all commands. */
    readonly command: string,
  ) {
    super(message);
  }
}
