/** A process, by its resource. */
export interface ProcessName {
  readonly service: string;
  /** `service.instance.id`; empty where the process has none. */
  readonly instance: string;
}

/** What the store knows of a process that could be asked. */
export interface KnownProcess {
  readonly pid: number | undefined;
  /** Milliseconds since the epoch. */
  readonly lastSeen: number;
  /** It said that it ends. */
  readonly ended: boolean;
  /** It has the store open itself; else it only sends what is stored. */
  readonly writes: boolean;
  /** Whether it answers, as it says itself; undefined where it does not know of such questions. */
  readonly profiling: { readonly refused?: string | undefined } | undefined;
}

/**
 * `asked`: no process has taken it. `running`: the process records. `stopping`: the process must stop the recording. `done` and `failed` are final.
 */
export type CommandState = 'asked' | 'running' | 'stopping' | 'done' | 'failed';

/** What one process asks of another. Texts may have been written by another version. */
export interface NewCommand {
  readonly id: string;
  readonly kind: string;
  /** JSON object. */
  readonly details: string;
  /** Who asks, for log lines. */
  readonly askedBy: string;
}

/** A command as it is stored. */
export interface StoredCommand extends NewCommand {
  /** Milliseconds since the epoch. */
  readonly askedAt: number;
  readonly state: CommandState;
  readonly stoppedBy: string | null;
  /** JSON object of the process that was asked. */
  readonly answer: string | null;
  readonly service: string;
  readonly instance: string;
  /** The process that was asked has said that it ends. */
  readonly ended: boolean;
}

/** What a process does with commands. Neither throws. */
export interface CommandListener {
  /** Called once for each command that is new. */
  take(command: NewCommand): void;
  /** Called for a command that is to end now, until it has ended. */
  stop(id: string, by: string): void;
}

/**
 * Commands by which the processes of one store ask each other for something. Nothing here throws: what the store cannot do within some
 * seconds is not done.
 */
export interface ProcessCommands {
  /** Up to which size a result is taken, in bytes. */
  readonly maxResultBytes: number;
  /** The process of that name that was last seen; undefined where none has said how it does. */
  process(name: ProcessName): KnownProcess | undefined;
  /** The newest first, at most 20. */
  list(name: ProcessName): readonly StoredCommand[];
  /** Whether there is any result. */
  readonly hasResults: boolean;
  find(id: string): StoredCommand | undefined;
  result(id: string): Uint8Array | undefined;
  /**
   * Asks. Returns the command because of which it was not asked: `isOpen` has chosen it from those of the process.
   *
   * @returns `asked`, the open command, or undefined where the store could not take it
   */
  ask(
    name: ProcessName,
    command: NewCommand,
    isOpen: (command: StoredCommand) => boolean,
  ): Promise<'asked' | StoredCommand | undefined>;
  /** Removes a command in one of these states; returns whether there was one. */
  withdraw(id: string, states: readonly CommandState[]): Promise<boolean>;
  /** Has a running command end now; returns whether it runs. */
  stop(id: string, by: string): Promise<boolean>;
  /** Takes a command that was asked; false where it was withdrawn, or another process has taken it. */
  take(id: string): Promise<boolean>;
  /** Says how a command goes that was taken; returns whether that is stored. */
  answer(
    id: string,
    answer: object,
    end?: { readonly state: 'done'; readonly result: Uint8Array } | { readonly state: 'failed' },
  ): Promise<boolean>;
}
