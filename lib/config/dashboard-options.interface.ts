/** Editors whose links are known; anything else is written as an address with `{file}` and `{line}` in it. */
export type DashboardEditor = 'vscode' | 'cursor' | 'webstorm' | 'zed';

/** The page that shows what the store holds, and who may see it. */
export interface DashboardOptions {
  /**
   * Serve it. Default: true in an environment of `development`, which is the default environment,
   * false in every other. In production (`production`, `prod`) a token is needed too. Env
   * `TELEMETRY_DASHBOARD`.
   */
  enabled?: boolean;
  /** Path on the application's own port. A global prefix or version never changes it. Default `/telemetry`. */
  path?: string;
  /**
   * What a visitor must send: `Authorization: Bearer <token>`, or once `<path>/#token=<token>` in
   * the browser, which sets a cookie. At least 16 printable ASCII characters without spaces.
   * Default: a token made at random and kept in `dashboard-token` beside the store's file, mode
   * 0600; the address with the token is printed at start. In production there is no default.
   * `false` serves the dashboard without a token: everybody who reaches the port sees logs and
   * traces, also through a proxy on this machine. Env `TELEMETRY_DASHBOARD_TOKEN`; `false` there
   * is ignored in production.
   */
  token?: string | false;
  /** Answer requests that come from other machines too. Default false. */
  allowRemote?: boolean;
  /** Names in the `Host` header that are answered beside `localhost`, `127.0.0.1` and `[::1]`, without port. Default none. */
  allowedHosts?: readonly string[];
  /** Take OTLP over HTTP on `<path>/otlp/v1/{traces,metrics,logs}`, so that services in other languages show up. Default false. */
  otlp?: boolean;
  /**
   * What opens the source of a span: an editor by name, an address with `{file}` and `{line}` such as `idea://open?file={file}&line={line}`,
   * or false for no links. Default `vscode`, in production false: finding sources holds up the event loop once, for some 100 ms, when
   * the page is opened.
   */
  editor?: DashboardEditor | (string & {}) | false;
}
