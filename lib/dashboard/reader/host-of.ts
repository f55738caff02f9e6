import {
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
} from '../../config/semantic-conventions.constants.js';
import type { JsonAttributes } from './answers/answer-parts.interface.js';
import type { SpanAnswer } from './answers/traces.interface.js';

const DEFAULT_PORTS = [80, 443];

/** The first of several attributes that is a text. */
export function textOf(attributes: JsonAttributes, ...names: readonly string[]): string | undefined {
  return names.map((name) => attributes[name]).find((value) => typeof value === 'string');
}

/** Host that the span of a client asked, with its port where that is not the usual one; undefined where no attribute has it. */
export function hostOf({ kind, attributes }: Pick<SpanAnswer, 'kind' | 'attributes'>): string | undefined {
  if (kind !== 'client') return undefined;
  const address = textOf(attributes, ATTR_SERVER_ADDRESS, 'net.peer.name');
  const url = textOf(attributes, ATTR_URL_FULL, 'http.url');
  if (address === undefined) return url !== undefined && URL.canParse(url) ? new URL(url).host : undefined;
  const port = attributes[ATTR_SERVER_PORT] ?? attributes['net.peer.port'];
  return typeof port === 'number' && !DEFAULT_PORTS.includes(port) ? `${address}:${port}` : address;
}
