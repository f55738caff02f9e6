export interface SentRequest {
  readonly status: number;
  readonly traceId: string;
}

export interface Incident {
  readonly usual: readonly SentRequest[];
  readonly spike: readonly SentRequest[];
  readonly refused: readonly SentRequest[];
  readonly from: number;
  readonly to: number;
}

export function sendRequest(gateway: string, body: unknown): Promise<SentRequest>;

export function sendIncident(
  gateway: string,
  counts?: { readonly usual?: number; readonly spike?: number; readonly refused?: number },
): Promise<Incident>;
