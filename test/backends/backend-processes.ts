import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';

import { eventually } from '../support/eventually.js';

export type BackendName =
  | 'jaeger'
  | 'prometheus'
  | 'redis'
  | 'postgres'
  | 'mariadb'
  | 'ferretdb'
  | 'nats'
  | 'rabbitmq'
  | 'mosquitto'
  | 'kafka'
  | 'collector'
  | 'clickhouse';
type Backends = Readonly<Record<BackendName, { readonly path: string } | { readonly missing: string }>>;

/** What scripts/prepare/find-backends.mjs found. */
function readBackends(): Partial<Backends> {
  return JSON.parse(process.env.TELEMETRY_BACKENDS ?? '{}') as Partial<Backends>;
}

/** A `describe()` that gets the path of a real server, and is skipped with the reason in its title when there is none. */
export function describeWith(name: BackendName, title: string, tests: (path: string) => void): void {
  const backend = readBackends()[name] ?? { missing: 'run it by `npm run test:backends`' };
  if ('path' in backend) {
    describe(title, () => {
      tests(backend.path);
    });
  } else {
    // Never counted as passed: the title says what is missing.
    describe.skip(`${title} (SKIPPED: ${backend.missing})`, () => {
      tests('');
    });
  }
}

/** `describeWith()` for tests that need several real servers; skipped with the first reason when one is missing. */
export function describeWithAll<const Names extends readonly BackendName[]>(
  names: Names,
  title: string,
  tests: (paths: Readonly<Record<Names[number], string>>) => void,
): void {
  const paths: Partial<Record<BackendName, string>> = {};
  const add = (left: readonly BackendName[]): void => {
    const [name, ...others] = left;
    if (name === undefined) {
      tests(paths as Record<Names[number], string>);
      return;
    }
    describeWith(name, others.length === 0 ? title : `with ${name}`, (path) => {
      paths[name] = path;
      add(others);
    });
  };
  add(names);
}

/** `eventually()` for what servers answer: through refused connections too, with 50 seconds, for brokers that start on a busy machine, and pauses of 100 ms. */
export function poll<T>(
  what: string,
  read: () => Promise<T | undefined | false>,
  withinMs = 50_000,
): Promise<T> {
  return eventually(what, read, withinMs, { everyMs: 100, throughErrors: true });
}

/** A server that runs beside the tests; keeps what it printed, to tell it when the start fails. */
export class BackendProcess {
  private printed = '';

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on(
        'data',
        (chunk: Buffer) => (this.printed = (this.printed + chunk.toString()).slice(-20_000)),
      );
    }
  }

  /** Starts `command` and resolves when `isReady` says so. */
  static async start(
    command: readonly string[],
    isReady: () => Promise<boolean>,
    { env, ...options }: Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid'> = {},
  ): Promise<BackendProcess> {
    const [file, ...args] = command;
    const child = spawn(file!, args, {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    child.on('error', (error) => (started.printed += error.message));
    const started = new BackendProcess(child);
    try {
      await poll(`${file!} to be ready`, async () => {
        if (child.exitCode !== null) return 'ended' as const;
        return (await isReady()) && ('ready' as const);
      }).then((outcome) => {
        if (outcome === 'ended') throw new Error(`${file!} ended with ${String(child.exitCode)}`);
      });
      return started;
    } catch (error) {
      await started.stop();
      throw new Error(`${String(error)}; it printed:\n${started.printed}`, { cause: error });
    }
  }

  /** Ends the process, the hard way when it does not go within 5 seconds. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await stopChild(this.child, signal);
  }
}

/** Ends a child of this process, the hard way when it does not go within 5 seconds. */
export async function stopChild(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  const impatience = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(impatience);
}
