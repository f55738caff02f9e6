import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { type Finding, named, skipped } from '../doctor/finding.js';
import { type ApplicationAddress, checkMetrics, checkPage, sendRequest } from './doctor/check-application.js';
import { checkConfiguration } from './doctor/check-configuration.js';
import { checkExporters } from './doctor/check-exporters.js';
import { checkPackages } from './doctor/check-packages.js';
import { checkPrometheus } from './doctor/check-prometheus.js';
import { checkTrace, jaegerSource, pageSource } from './doctor/check-trace.js';
import { countVerdicts, renderFindings } from './doctor/render-findings.js';
import { pageToken } from './page-token.js';
import { readOptions, readUrl } from './read-options.js';
import { UsageError } from './usage-error.js';

const COMMAND = 'doctor';

const HELP = `Usage: nestjs-telemetry doctor [options]

Finds out why telemetry does not arrive: checks the environment variables and the packages of a folder, sends one span,
one measurement and one log record to each endpoint, and follows a request through an application that runs.

Options:
  --app <url>          an application that runs, for example http://localhost:3000; a request is sent through it
  --request <path>     path of that request, default /; any answer will do, and it should call the other services
  --expect <service>   a service that must be in the trace of the request; may be repeated
  --page <url>         its page, default /telemetry of --app
  --token <text>       token of the page, default TELEMETRY_DASHBOARD_TOKEN, else the one beside the store of --folder
  --metrics <url>      its metrics, default /metrics of --app, on OTEL_EXPORTER_PROMETHEUS_PORT where that is set
  --jaeger <url>       Jaeger's UI, for example http://localhost:16686: looks for the traces there
  --prometheus <url>   Prometheus, for example http://localhost:9090: looks whether it scrapes the application
  --dotenv <path>      file with environment variables, read before the checks
  --folder <path>      folder of the application, default the current one
  --strict             warnings fail, too
  --json               prints JSON
  --help               prints this

Exit code: 0 without a fault, 1 with one, 2 where the command line is wrong.
`;

const OPTIONS = {
  app: { type: 'string' },
  request: { type: 'string' },
  expect: { type: 'string', multiple: true },
  page: { type: 'string' },
  token: { type: 'string' },
  metrics: { type: 'string' },
  jaeger: { type: 'string' },
  prometheus: { type: 'string' },
  dotenv: { type: 'string' },
  folder: { type: 'string' },
  strict: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * Prints what was checked and found. Returns the exit code.
 *
 * @throws UsageError for options that are wrong
 */
export async function runDoctor(args: readonly string[]): Promise<number> {
  const values = readOptions(args, OPTIONS, COMMAND);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const { folder = process.cwd(), expect = [], request = '/' } = values;
  if (!isFolder(folder)) throw wrong(`--folder must be a folder, and "${folder}" is none.`);
  const envFile = values.dotenv;
  if (envFile !== undefined) loadVariables(envFile);
  const app = readAddress(values.app, '--app');
  const jaeger = readAddress(values.jaeger, '--jaeger');
  const prometheus = readAddress(values.prometheus, '--prometheus');
  if (app === undefined && (expect.length > 0 || values.request !== undefined))
    throw wrong('--request and --expect need --app, the application that gets the request.');

  const { findings: variables, config } = checkConfiguration(process.env);
  const findings: Finding[] = [...variables, ...checkPackages(resolve(folder), process.env)];
  if (config !== undefined) {
    const exporters = await checkExporters(config, process.env);
    findings.push(...exporters.findings);
    if (jaeger !== undefined && exporters.traceId !== undefined)
      findings.push(...(await checkTrace(jaegerSource(jaeger), exporters.traceId, [])));
  }
  const address = app && {
    url: app,
    page: readAddress(values.page, '--page') ?? new URL(config?.dashboard?.path ?? '/telemetry', app),
    metrics: readAddress(values.metrics, '--metrics') ?? metricsOf(app, config),
    token: pageToken(values.token, folder),
  };
  if (address === undefined) findings.push(...named('application', [skipped('--app names none.')]));
  else findings.push(...(await checkApplication(address, { request, expect, jaeger })));
  if (prometheus !== undefined) {
    if (address === undefined) throw wrong('--prometheus needs --app, the application that it scrapes.');
    findings.push(...(await checkPrometheus(prometheus, address.metrics)));
  }
  const { fault, warning } = countVerdicts(findings);
  process.stdout.write(
    values.json === true ? `${JSON.stringify(findings, null, 2)}\n` : renderFindings(findings),
  );
  return fault > 0 || (values.strict === true && warning > 0) ? 1 : 0;
}

async function checkApplication(
  address: ApplicationAddress,
  { request, expect, jaeger }: { request: string; expect: readonly string[]; jaeger: URL | undefined },
): Promise<Finding[]> {
  const traceId = randomBytes(16).toString('hex');
  const { findings, answered } = await sendRequest(new URL(request, address.url), traceId);
  if (!answered) return [...findings];
  const page = await checkPage(address);
  const hasPage = !page.some(({ verdict }) => verdict === 'skipped');
  const sources = [
    ...(hasPage ? [pageSource(address)] : []),
    ...(jaeger === undefined ? [] : [jaegerSource(jaeger)]),
  ];
  const traces =
    sources.length === 0
      ? named('trace of the request', [skipped('neither the page nor --jaeger can show it.')])
      : (await Promise.all(sources.map((source) => checkTrace(source, traceId, expect)))).flat();
  return [...findings, ...(await checkMetrics(address)), ...page, ...traces];
}

function metricsOf(app: URL, config: TelemetryConfig | undefined): URL {
  const prometheus = config?.metrics.prometheus;
  const url = new URL(prometheus?.path ?? '/metrics', app);
  if (prometheus?.port !== undefined) url.port = String(prometheus.port);
  return url;
}

function readAddress(text: string | undefined, option: string): URL | undefined {
  return text === undefined ? undefined : readUrl(text, option, COMMAND);
}

function loadVariables(path: string): void {
  try {
    process.loadEnvFile(path);
  } catch (error) {
    throw wrong(`--dotenv cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

const wrong = (message: string): UsageError => new UsageError(message, COMMAND);
