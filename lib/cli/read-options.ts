import { parseArgs, type ParseArgsConfig, type ParseArgsOptionsConfig } from 'node:util';

import { UsageError } from './usage-error.js';

/** The options of a command. @throws UsageError for one that is unknown or incomplete */
export function readOptions<const Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
  command: string,
) {
  try {
    const config = { args: [...args], options, allowPositionals: false } satisfies ParseArgsConfig;
    return parseArgs(config).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), command);
  }
}

/** @throws UsageError */
export function readNumber(text: string, option: string, command: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new UsageError(`${option} must be a number, not "${text}".`, command);
  return value;
}

/** @throws UsageError */
export function readPort(
  text: string | undefined,
  option: string,
  otherwise: number,
  command: string,
): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535)
    throw new UsageError(`${option} must be a port from 0 to 65535, not "${text}".`, command);
  return value;
}

/** An address of HTTP; without a scheme it is `http://`. @throws UsageError */
export function readUrl(text: string, option: string, command: string): URL {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new UsageError(`${option} must be an address such as http://localhost:3000, not "${text}".`, command);
}
