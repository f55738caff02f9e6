/** Shape of `pg` as far as it is patched here; pg is never imported. */
export interface PgModule {
  readonly Client: { readonly prototype: PgClient };
  readonly Pool?: { readonly prototype: object } | undefined;
}

export type PgQuery = (this: PgClient, ...args: unknown[]) => unknown;

export interface PgClient {
  query: PgQuery;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
  readonly connection?: object | undefined;
}

export type PgConnect = (this: PgPool, ...args: unknown[]) => unknown;

export interface PgPool {
  readonly options?: {
    readonly host?: unknown;
    readonly port?: unknown;
    readonly database?: unknown;
    readonly connectionString?: unknown;
  };
}
