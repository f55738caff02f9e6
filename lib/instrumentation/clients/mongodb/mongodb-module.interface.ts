/** Shape of `mongodb` as far as it is used here; mongodb is never imported. */
export interface MongodbModule {
  readonly MongoClient: { readonly prototype: object };
}

/** A connection of the driver; every command of every operation passes through it. */
export interface MongodbConnection {
  /** `host:port`, or the path of a Unix domain socket. */
  readonly address?: string;
}

export type MongodbDocument = Readonly<Record<string, unknown>>;

export interface MongodbNamespace {
  readonly db: string;
  readonly collection?: string | undefined;
}

export type SendMongodbCommand = (
  this: MongodbConnection,
  namespace: MongodbNamespace,
  command: MongodbDocument,
  ...rest: unknown[]
) => unknown;

/** What is passed on the way from a client to its connections. */
export interface MongodbClient {
  readonly topology?: {
    readonly s?: { readonly servers?: ReadonlyMap<string, { readonly pool?: object }> };
  };
}

export type StartSession = (this: MongodbClient, ...args: unknown[]) => unknown;
export type CheckOut = (this: object, ...args: unknown[]) => Promise<MongodbConnection>;
