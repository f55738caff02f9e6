import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import type { OtlpTarget } from '../../config/otlp.js';
import { warnOnce } from '../../errors/warnings.js';
import type { Signal } from '../exporter-report.js';
import type { TlsOptions } from './transport/transport.js';

const DEFAULT_TIMEOUT_MS = 10_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings from the environment for the requests of one signal. */
export interface OtlpSettings {
  /** Longest time for one attempt, in ms. Default 10,000. Env `OTEL_EXPORTER_OTLP_TIMEOUT`. */
  readonly timeoutMs: number;
  /** Compresses requests with gzip. Default false. Env `OTEL_EXPORTER_OTLP_COMPRESSION`. */
  readonly compress: boolean;
  /** Env `OTEL_EXPORTER_OTLP_CERTIFICATE`, `_CLIENT_CERTIFICATE`, `_CLIENT_KEY`. */
  readonly tls: TlsOptions;
}

/** Returns the settings of one target: those of a configuration file, else of the environment. */
export function otlpSettingsOf(signal: Signal, { settings }: OtlpTarget): OtlpSettings {
  if (settings === undefined) return readOtlpSettings(signal);
  const { timeoutMs = DEFAULT_TIMEOUT_MS, compression, caFile, certFile, keyFile } = settings;
  const names = { certificate: 'tls.cert_file', key: 'tls.key_file' };
  return {
    timeoutMs,
    compress: compression === 'gzip',
    tls: readTls(
      signal,
      {
        ca: readIfSet(caFile, 'tls.ca_file'),
        cert: readIfSet(certFile, names.certificate),
        key: readIfSet(keyFile, names.key),
      },
      names,
    ),
  };
}

function readIfSet(path: string | undefined, name: string): Buffer | undefined {
  return path === undefined ? undefined : readFile(path, `${name} of the configuration file`);
}

/** @param names what sets certificate and key, for the warning where one is missing */
function readTls(
  signal: Signal,
  { ca, cert, key }: Readonly<Record<'ca' | 'cert' | 'key', Buffer | undefined>>,
  names: { readonly certificate: string; readonly key: string },
): TlsOptions {
  if ((cert === undefined) !== (key === undefined)) {
    warnOnce(
      `otlp-client-certificate:${signal}`,
      `Only one of ${names.certificate} and ${names.key} can be used, so both are ignored. Set both.`,
    );
  }
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
  };
}

/**
 * Reads the variables of a signal (`OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`), and the common ones where
 * it has none. Wrong values warn once.
 */
function readOtlpSettings(signal: Signal, env: Environment = process.env): OtlpSettings {
  const read = <T>(name: string, parse: (value: string, variable: string) => T): T | undefined => {
    for (const variable of [
      `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`,
      `OTEL_EXPORTER_OTLP_${name}`,
    ]) {
      const value = env[variable]?.trim() ?? '';
      if (value !== '') return parse(value, variable);
    }
    return undefined;
  };
  return {
    timeoutMs: read('TIMEOUT', parseTimeout) ?? DEFAULT_TIMEOUT_MS,
    compress: read('COMPRESSION', parseCompression) ?? false,
    tls: readTls(
      signal,
      {
        ca: read('CERTIFICATE', readFile),
        cert: read('CLIENT_CERTIFICATE', readFile),
        key: read('CLIENT_KEY', readFile),
      },
      {
        certificate: 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE',
        key: 'OTEL_EXPORTER_OTLP_CLIENT_KEY',
      },
    ),
  };
}

function parseTimeout(value: string, variable: string): number | undefined {
  const timeout = Number(value);
  if (Number.isFinite(timeout) && timeout > 0 && timeout < 2 ** 31) return timeout;
  warnOnce(
    `env:${variable}`,
    `${variable} is "${value}", which is not a number of milliseconds; ${DEFAULT_TIMEOUT_MS} is used.`,
  );
  return undefined;
}

function parseCompression(value: string, variable: string): boolean {
  if (value !== 'gzip' && value !== 'none')
    warnOnce(`env:${variable}`, `${variable} is "${value}", which is neither gzip nor none; none is used.`);
  return value === 'gzip';
}

function readFile(path: string, variable: string): Buffer | undefined {
  try {
    return readFileSync(resolve(path));
  } catch (error) {
    warnOnce(`env:${variable}`, `${variable} cannot be used: ${String(error)}.`);
    return undefined;
  }
}
