/** A batch of spans, log records or metric data points that is ready to be sent. */
export interface ExportRequest {
  /** Number of items. */
  readonly count: number;
  /** Size in memory, in bytes; an estimate where the items are not encoded yet. */
  readonly bytes: number;
}

/** What became of one attempt to send a request. */
export type Delivery =
  /** The receiver took the request, except `rejected` items of it. */
  | {
      readonly outcome: 'sent';
      /** Items the receiver refused (OTLP partial success). Default 0. */
      readonly rejected?: number;
      /** Why the receiver refused some items, or what it warns about. */
      readonly message?: string;
    }
  /** The request cannot be sent, however often it is tried. */
  | {
      readonly outcome: 'failed';
      readonly error: Error;
      /** Items that were tried in vain. Default: all that were not dropped. */
      readonly failed?: number;
      /** Items that cannot be sent at all, for example because no packet can hold them. Default 0. */
      readonly dropped?: number;
    }
  /** The same request may succeed later. */
  | {
      readonly outcome: 'retry';
      readonly error: Error;
      /** Wait the receiver asked for, in milliseconds. Default: exponential backoff. */
      readonly afterMs?: number;
    };

/** Sends requests of one signal to one destination. */
export interface Sender<Request extends ExportRequest> {
  /** Makes one attempt, which ends within `timeoutMs`. Never rejects. */
  send(request: Request, timeoutMs: number): Promise<Delivery>;
  /** Ends an attempt that is under way; its promise resolves. */
  abort(): void;
  /** Closes connections. Never rejects. */
  close(): Promise<void>;
}
