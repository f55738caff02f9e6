export interface SentRequest {
  readonly status: number;
  readonly traceId: string;
}

export interface WatchedSystem {
  readonly urls: { readonly gateway: string; readonly orchestrator: string; readonly worker: string };
  readonly logFile: string;
  printed(): string;
  stop(): Promise<void>;
}

export function startWatchedSystem(options: {
  readonly root: string;
  readonly env?: Readonly<Record<string, string>>;
}): Promise<WatchedSystem>;

export function sendRequest(gateway: string, body: unknown): Promise<SentRequest>;

export interface Incident {
  readonly usual: readonly SentRequest[];
  readonly spike: readonly SentRequest[];
  readonly refused: readonly SentRequest[];
  readonly from: number;
  readonly to: number;
}

export function sendIncident(
  gateway: string,
  counts?: { readonly usual?: number; readonly spike?: number; readonly refused?: number },
): Promise<Incident>;
