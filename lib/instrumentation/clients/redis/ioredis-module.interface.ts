/** Shape of `ioredis` as far as it is patched here; ioredis is never imported. */
export interface IoredisModule {
  readonly Redis: { readonly prototype: object };
  readonly Cluster?: { readonly prototype: object } | undefined;
  readonly Pipeline?: { readonly prototype: object } | undefined;
}

export interface IoredisCommand {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly promise: Promise<unknown>;
  /** Whether ioredis 6 has announced it, which it does once, when it writes it first. */
  readonly isTraced?: boolean;
}

/** A client or a cluster. */
export interface IoredisClient {
  readonly status: string;
  readonly isCluster?: boolean;
  readonly options?: {
    readonly host?: string;
    readonly port?: number;
    readonly path?: string;
    readonly db?: number;
    /** Who is asked for the server; there is neither a host nor a port then. */
    readonly sentinels?: readonly unknown[] | null;
  };
  readonly stream?: { readonly remoteAddress?: string; readonly remotePort?: number } | null;
  readonly condition?: { readonly select?: number } | null;
}

export type SendCommand = (this: IoredisClient, command: IoredisCommand, ...rest: unknown[]) => unknown;

/** Where ioredis 6 says that what it announces goes. */
export type GetServerAddress = (this: IoredisClient) => {
  readonly address: string | undefined;
  readonly port: number | undefined;
};

export interface IoredisPipeline {
  readonly redis: IoredisClient;
  readonly length: number;
  readonly promise: Promise<unknown>;
  readonly _queue: readonly IoredisCommand[];
  /** Transactions that were begun and not executed. */
  readonly _transactions: number;
}

export type ExecPipeline = (this: IoredisPipeline, ...args: unknown[]) => unknown;
