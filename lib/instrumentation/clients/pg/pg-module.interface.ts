/** Shape of `pg` as far as it is patched here; pg is never imported. */
export interface PgModule {
  readonly Client: { readonly prototype: PgClient };
}

export type PgQuery = (this: PgClient, ...args: unknown[]) => unknown;

export interface PgClient {
  query: PgQuery;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
}
