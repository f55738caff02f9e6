export interface RunningSampleSystem {
  readonly urls: {
    readonly gateway: string;
    readonly orchestrator: string;
    readonly worker: string;
    /** The stand-in for a language model. */
    readonly llm: string;
    /** With the token that opens it. */
    readonly dashboard: string;
  };
  /** Keeps everything the processes print. */
  readonly logFile: string;
  /** Everything they printed so far. */
  printed(): string;
  /** Ends a service, `worker` for example, and starts it as another version. */
  deploy(service: string, version: string): Promise<void>;
  /** Makes the system misbehave as `npm start -- --fault` does, with the requests that show it; undefined ends both. */
  setFault(fault: string | undefined): Promise<void>;
  /** Ends it as a terminal or a service manager would; resolves to the exit code. */
  stop(): Promise<number | null>;
}

export function startSampleSystem(options: {
  /** Of the project. */
  readonly root: string;
  /** Beside what is set for a system without traffic of its own and with a model that behaves. */
  readonly env?: Readonly<Record<string, string>>;
}): Promise<RunningSampleSystem>;
