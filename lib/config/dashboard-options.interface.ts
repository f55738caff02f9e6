/** Editors whose links are known; anything else is written as an address with `{file}` and `{line}` in it. */
export type DashboardEditor = 'vscode' | 'cursor' | 'webstorm' | 'zed';

/** The page that shows what the store holds, and who may see it. */
export interface DashboardOptions {
  /**
   * Serve it. Default true, save in production and in tests (an environment of `production`, `prod` or `test`). In production a
   * token is needed too. Env `TELEMETRY_DASHBOARD`.
   */
  enabled?: boolean;
  /** Path on the application's own port. A global prefix or version never changes it. Default `/telemetry`. */
  path?: string;
  /**
   * What a visitor must show: `Authorization: Bearer …`, or once `?token=…`, which a cookie then stands for. Default: nobody is
   * asked; in production there is no default. Env `TELEMETRY_DASHBOARD_TOKEN`.
   */
  token?: string;
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
