import { isRecord } from '../../config/option-rules.js';
import { fault, type Finding, named, ok, type Result, skipped, warning } from '../../doctor/finding.js';
import { type Answer, ask, describeAnswer, jsonOf } from './ask.js';

/** Where the application and its page answer. */
export interface ApplicationAddress {
  /** For example `http://localhost:3000`. */
  readonly url: URL;
  /** Address of the page, for example `http://localhost:3000/telemetry`. */
  readonly page: URL;
  readonly metrics: URL;
  readonly token: string | undefined;
}

/** The id of the span that the request of a trace comes from, which is nowhere stored. */
export function callerOf(traceId: string): string {
  return traceId.slice(16);
}

/** Sends a sampled request through the application. Any status is an answer. */
export async function sendRequest(
  url: URL,
  traceId: string,
): Promise<{ readonly findings: readonly Finding[]; readonly answered: boolean }> {
  const answer = await ask(url, { headers: { traceparent: `00-${traceId}-${callerOf(traceId)}-01` } });
  const check = `GET ${url.href}`;
  if (answer.error !== undefined) {
    const remedy = 'Start the application, and check the address given with --app.';
    return { findings: named(check, [fault('is not answered.', answer.error, remedy)]), answered: false };
  }
  return { findings: named(check, [ok(`answered ${answer.status}.`)]), answered: true };
}

/** Whether a Prometheus would find the metrics of requests there. */
export async function checkMetrics({ metrics }: ApplicationAddress): Promise<Finding[]> {
  const answer = await ask(metrics, { headers: { accept: 'application/openmetrics-text;version=1.0.0' } });
  return named(`metrics at ${metrics.href}`, judgeMetrics(answer));
}

function judgeMetrics(answer: Answer): Result[] {
  const seen = describeAnswer(answer);
  if (answer.error !== undefined)
    return [
      fault(
        'are not answered.',
        seen,
        'Check prometheus.port and prometheus.host; name another address with --metrics.',
      ),
    ];
  if (answer.status === 401 || answer.status === 403)
    return [
      warning(
        'need credentials, which Prometheus needs, too.',
        seen,
        'Set `authorization` in its scrape configuration.',
      ),
    ];
  if (answer.status !== 200)
    return [
      fault(
        'are not served there.',
        seen,
        'Leave enablePrometheus on, and check prometheus.path, prometheus.port and a global prefix; name another address with --metrics.',
      ),
    ];
  if (!/^# TYPE /m.test(answer.text))
    return [
      fault(
        'are something else.',
        seen,
        'Another route of the application answers this path: change prometheus.path.',
      ),
    ];
  const results = findExportFailures(answer.text);
  if (!/^http_server_request_duration_seconds/m.test(answer.text))
    results.push(
      fault(
        'have no duration of a request, although one was just answered.',
        'http_server_request_duration_seconds is missing',
        'Import TelemetryModule in the root module, and leave instrumentation.httpServer on.',
      ),
    );
  return results.length === 0 ? [ok('have the durations of requests.')] : results;
}

/** What the exporters of the application could not deliver, as its own metrics say. */
function findExportFailures(text: string): Result[] {
  const pattern =
    /^otel_sdk_exporter_(span|log|metric_data_point)_exported_total\{([^}]*error_type="([^"]+)"[^}]*)\} (\d+)/gm;
  return [...text.matchAll(pattern)].map(([, what = '', labels = '', type = '', count = '']) => {
    const address = /server_address="([^"]*)"/.exec(labels)?.[1] ?? 'a receiver';
    return warning(
      `${what.replaceAll('_', ' ')}s of the application were not delivered.`,
      `${count} to ${address}, ${type}, since it started`,
      'Its log names the reason and the remedy.',
    );
  });
}

/** What the page of the application knows about exporters, libraries, limits and warnings. */
export async function checkPage({ page, token }: ApplicationAddress): Promise<Finding[]> {
  const check = `page at ${page.href}`;
  const answer = await askPage({ page, token }, 'health');
  const health = jsonOf(answer);
  if (!isRecord(health)) {
    const needsToken = answer.error === undefined && answer.status === 401;
    const hint = needsToken
      ? 'it needs a token: set --token or TELEMETRY_DASHBOARD_TOKEN.'
      : `it is not served there (${describeAnswer(answer)}); name another address with --page.`;
    return named(check, [skipped(hint)]);
  }
  const findings = recordsOf(jsonOf(await askPage({ page, token }, 'health/findings')));
  const results = [
    ...findings.filter(({ check }) => !isAboutTraces(check)).map(toResult),
    ...judgeStore(health.store),
    ...recordsOf(health.warnings).map(({ message, count }) =>
      warning(
        'the application has warned.',
        `${text(message)} (${text(count)} times)`,
        'The warning names the remedy.',
      ),
    ),
  ];
  return named(check, results.length === 0 ? [ok('reports no problem of the application.')] : results);
}

/** Asks the API of the page. */
export function askPage(
  { page, token }: Pick<ApplicationAddress, 'page' | 'token'>,
  address: string,
): Promise<Answer> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return ask(`${page.href.replace(/\/$/, '')}/api/v1/${address}`, { headers });
}

/** Doctor looks at the trace of its request, and at nothing that was before. */
const isAboutTraces = (check: unknown): boolean => text(check).startsWith('traces of the last');

function toResult({ check, verdict, finding, evidence, remedy }: Fields): Result {
  const judge = verdict === 'fault' ? fault : warning;
  return judge(text(finding), `${text(check)}: ${text(evidence)}`, text(remedy));
}

function judgeStore(store: unknown): Result[] {
  if (!isRecord(store) || !(Number(store.dropped) > 0)) return [];
  return [
    warning(
      'rows of the store were lost.',
      `${text(store.dropped)} since the file was created`,
      'The disk may be full or slow; docs/store.md has the reasons.',
    ),
  ];
}

type Fields = Readonly<Record<string, unknown>>;

/** The objects of a list; none where it is no list. */
export function recordsOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** A text or a number of an answer. */
export function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '?';
}
