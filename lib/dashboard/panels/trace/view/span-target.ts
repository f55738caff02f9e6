import type { SpanAnswer } from '../../../reader/answers/traces.interface.js';
import { hostOf, textOf } from '../../../reader/host-of.js';

function parse(url: string | undefined): URL | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url) : undefined;
}

const withoutQuery = (path: string): string => path.split(/[?#]/, 1)[0] ?? '';

/**
 * Host and path that an HTTP client asked, where the span's name is only the method, as the conventions want it. A template stands before
 * the path itself; the query stays out, for it is long and says little.
 */
export function targetOf(span: Pick<SpanAnswer, 'kind' | 'name' | 'attributes'>): string | undefined {
  const { kind, name, attributes } = span;
  const method = textOf(attributes, 'http.request.method', 'http.method');
  if (kind !== 'client' || method === undefined || name.includes('/')) return undefined;
  const url = parse(textOf(attributes, 'url.full', 'http.url'));
  const path =
    textOf(attributes, 'url.template') ?? url?.pathname ?? textOf(attributes, 'url.path', 'http.target');
  return (hostOf(span) ?? '') + withoutQuery(path ?? '') || undefined;
}
