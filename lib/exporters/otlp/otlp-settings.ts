import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { warnOnce } from '../../errors/warnings.js';
import type { Signal } from '../exporter-report.js';
import type { TlsOptions } from './transport/transport.js';

const DEFAULT_TIMEOUT_MS = 10_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings from the environment for the requests of one signal. */
export interface OtlpSettings {
  /**
   * Longest time for one attempt, in milliseconds. Default 10,000. Env
   * `OTEL_EXPORTER_OTLP_TIMEOUT`.
   */
  readonly timeoutMs: number;
  /**
   * Whether requests are compressed with gzip. Default false. Env `OTEL_EXPORTER_OTLP_COMPRESSION`.
   */
  readonly compress: boolean;
  /** Env `OTEL_EXPORTER_OTLP_CERTIFICATE`, `_CLIENT_CERTIFICATE`, `_CLIENT_KEY`. */
  readonly tls: TlsOptions;
}

/**
 * Reads the variables of a signal (`OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`), and the common ones where
 * it has none. Wrong values warn once.
 */
export function readOtlpSettings(signal: Signal, env: Environment = process.env): OtlpSettings {
  const variable = (name: string): [name: string, value: string] | undefined =>
    [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`, `OTEL_EXPORTER_OTLP_${name}`]
      .map((full): [string, string] => [full, env[full]?.trim() ?? ''])
      .find(([, value]) => value !== '');
  const tls = {
    ca: readFile(variable('CERTIFICATE')),
    cert: readFile(variable('CLIENT_CERTIFICATE')),
    key: readFile(variable('CLIENT_KEY')),
  };
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    warnOnce(
      `otlp-client-certificate:${signal}`,
      'Only one of OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY can be used, so both are ignored. Set both.',
    );
  }
  const pair = tls.cert !== undefined && tls.key !== undefined && { cert: tls.cert, key: tls.key };
  return {
    timeoutMs: readTimeout(variable('TIMEOUT')),
    compress: readCompression(variable('COMPRESSION')),
    tls: { ...(tls.ca !== undefined && { ca: tls.ca }), ...pair },
  };
}

function readTimeout(variable: readonly [string, string] | undefined): number {
  if (variable === undefined) return DEFAULT_TIMEOUT_MS;
  const [name, value] = variable;
  const timeout = Number(value);
  if (Number.isFinite(timeout) && timeout > 0 && timeout < 2 ** 31) return timeout;
  warnOnce(
    `env:${name}`,
    `${name} is "${value}", which is not a number of milliseconds; ${DEFAULT_TIMEOUT_MS} is used.`,
  );
  return DEFAULT_TIMEOUT_MS;
}

function readCompression(variable: readonly [string, string] | undefined): boolean {
  if (variable === undefined) return false;
  const [name, value] = variable;
  if (value !== 'gzip' && value !== 'none')
    warnOnce(`env:${name}`, `${name} is "${value}", which is neither gzip nor none; none is used.`);
  return value === 'gzip';
}

function readFile(variable: readonly [string, string] | undefined): Buffer | undefined {
  if (variable === undefined) return undefined;
  const [name, path] = variable;
  try {
    return readFileSync(resolve(path));
  } catch (error) {
    warnOnce(`env:${name}`, `${name} cannot be used: ${String(error)}.`);
    return undefined;
  }
}
