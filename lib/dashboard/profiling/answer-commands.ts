import { warnOnce } from '../../errors/warnings.js';
import { DashboardError } from '../http/dashboard-error.js';
import { type CommandListener, type NewCommand, type ProcessCommands } from './process-commands.interface.js';
import { type ProfileBudget } from './profile-budget.js';
import { CPU_PROFILE, packProfile, readSeconds } from './profile-command.js';
import { type KeptProfile, Profiling } from './profiling.js';

const MAX_ASKER = 300;

/** Commands, and how to hear of those for this process. */
interface CommandSource {
  readonly commands: Pick<ProcessCommands, 'take' | 'answer' | 'maxResultBytes'>;
  readonly listen: (listener: CommandListener) => () => void;
}

/** Records the CPU profiles for which pages of other processes of the store ask. Returns what ends that. */
export function answerCommands({ commands, listen }: CommandSource, budget: ProfileBudget): () => void {
  const answers = new ProfileAnswers(commands, budget);
  const stopListening = listen(answers);
  return () => {
    stopListening();
    answers.close();
  };
}

class ProfileAnswers implements CommandListener {
  private readonly profiling: Profiling;
  /** Commands that have come: until one is taken in the table it comes with every look. */
  private readonly known = new Set<string>();
  /** The command that is being recorded. */
  private current: string | undefined;

  constructor(
    private readonly commands: CommandSource['commands'],
    private readonly budget: ProfileBudget,
  ) {
    this.profiling = new Profiling(undefined, budget);
  }

  take(command: NewCommand): void {
    if (this.known.has(command.id)) return;
    this.known.add(command.id);
    this.record(command).catch((error: unknown) => {
      warnOnce('dashboard:command', `A question of another process failed: ${String(error)}`, 60_000);
    });
  }

  stop(id: string, by: string): void {
    if (id !== this.current) return;
    try {
      this.profiling.stop(oneLine(by));
    } catch {
      // It could not be read: that is warned about, and answered.
    }
  }

  /** Pages see in the store that the process has ended. */
  close(): void {
    this.profiling.close();
  }

  private async record({ id, kind, details, askedBy }: NewCommand): Promise<void> {
    // What could not be taken, because others were writing, comes again.
    const isTaken = await this.commands.take(id);
    this.known.delete(id);
    if (!isTaken) return;
    try {
      if (kind !== CPU_PROFILE)
        throw new DashboardError(501, `The process has a version that does not know ${kind.slice(0, 50)}.`);
      const { startedAt, endsAt } = await this.profiling.start(
        readSeconds(details),
        oneLine(askedBy),
        (profile) => {
          this.current = undefined;
          void this.finish(id, profile);
        },
      );
      this.current = id;
      await this.commands.answer(id, { startedAt, endsAt, left: this.budget.left() });
    } catch (error) {
      await this.fail(id, error);
    }
  }

  private async finish(id: string, kept: KeptProfile | undefined): Promise<void> {
    try {
      if (kept === undefined)
        throw new DashboardError(
          502,
          'The profile could not be read; the log of the process has the reason.',
        );
      const { startedAt, endedAt, bytes, profile } = kept;
      const answer = { startedAt, endedAt, bytes, samples: profile.samples.length, left: this.budget.left() };
      const result = await packProfile(kept, this.commands.maxResultBytes);
      if (await this.commands.answer(id, answer, { state: 'done', result })) return;
      throw new DashboardError(
        507,
        'The profile could not be stored: the store has no room, or others wrote all the time.',
      );
    } catch (error) {
      await this.fail(id, error);
    }
  }

  private async fail(id: string, error: unknown): Promise<void> {
    const failure =
      error instanceof DashboardError
        ? { status: error.status, message: error.message }
        : {
            status: 502,
            message: 'The profile could not be recorded; the log of the process has the reason.',
          };
    if (!(error instanceof DashboardError))
      warnOnce('dashboard:profile', `A CPU profile could not be recorded: ${String(error)}`, 60_000);
    await this.commands.answer(id, failure, { state: 'failed' });
  }
}

/** It comes from a file that others write, and goes into log lines. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ').slice(0, MAX_ASKER);
}
