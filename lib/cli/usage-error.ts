/** The command line is wrong: exit code 2, with a hint at the help. */
export class UsageError extends Error {
  constructor(
    message: string,
    /** The command whose help is meant; undefined for the help of all. */
    readonly command: string | undefined,
  ) {
    super(message);
  }
}
