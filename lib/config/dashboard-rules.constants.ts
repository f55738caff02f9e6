import { type DashboardEditor, type DashboardOptions } from './dashboard-options.interface.js';
import { type OptionRule, type RulesOf } from './option-rule.interface.js';
import { either, flag, listOf, must, shape } from './option-rules.js';
import { HIDDEN, renderKind } from './render-received.js';

/** Addresses that editors open, by the name of the editor. */
export const EDITOR_ADDRESSES: Readonly<Record<DashboardEditor, string>> = {
  vscode: 'vscode://file/{file}:{line}',
  cursor: 'cursor://file/{file}:{line}',
  webstorm: 'webstorm://open?file={file}&line={line}',
  zed: 'zed://file/{file}:{line}',
};

/** A shorter token could be guessed. */
const MIN_TOKEN_LENGTH = 16;

/** Printable ASCII without spaces: what fits into a header and an address alike. */
const token: OptionRule = {
  check: (value, name, report) => {
    if (value === false) return;
    if (typeof value !== 'string')
      report(
        name,
        renderKind(value),
        'Write the token as a string (is its source set?), or false for a dashboard without a token.',
      );
    else if (!isDashboardToken(value))
      report(
        name,
        HIDDEN,
        `Write at least ${MIN_TOKEN_LENGTH} letters, digits or signs without spaces, for example from openssl rand -hex 24.`,
      );
  },
};

const dashboardRules: RulesOf<DashboardOptions> = {
  enabled: flag,
  path: must(
    (value) => typeof value === 'string' && /^(\/[\w.~-]+)+$/.test(value),
    'Write a path that starts with a slash and does not end in one, without parameters, for example /telemetry.',
  ),
  token,
  allowRemote: flag,
  allowedHosts: listOf(
    must(
      (value) => typeof value === 'string' && /^([\w.-]+|\[[\da-f:.]+\])$/i.test(value),
      'Write a host name or an IP address without port, for example dev.example.com.',
    ),
    'host names',
  ),
  otlp: flag,
  editor: must(
    (value) => value === false || (typeof value === 'string' && isEditor(value)),
    `Write one of ${Object.keys(EDITOR_ADDRESSES).join(', ')}, an address with {file} and {line} in it, or false.`,
  ),
};

/** What `dashboard` may be. */
export const DASHBOARD_RULE = either(
  (value) => typeof value === 'boolean',
  flag,
  shape(dashboardRules, "true, false or an object, for example { path: '/telemetry' }"),
);

/** Whether a token is one that can be sent, and hard to guess. */
export function isDashboardToken(value: string): boolean {
  return value.length >= MIN_TOKEN_LENGTH && /^[!-~]+$/.test(value);
}

/** Not every address is one for an editor: some are code. */
function isEditor(value: string): boolean {
  if (value in EDITOR_ADDRESSES) return true;
  return (
    /^[a-z][a-z\d+.-]*:\/\/\S+$/i.test(value) &&
    !/^(javascript|data|vbscript|blob):/i.test(value) &&
    value.includes('{file}')
  );
}
