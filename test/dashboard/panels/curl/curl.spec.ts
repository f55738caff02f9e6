import { execFileSync } from 'node:child_process';

import { quote, readRequest, writeCurl } from '../../../../lib/dashboard/panels/curl/write-curl.js';
import { type JsonAttributes } from '../../../../lib/dashboard/reader/answers/answer-parts.interface.js';
import { spanOf } from '../trace/span-of.js';

const ATTRIBUTES = {
  'http.request.method': 'GET',
  'http.route': '/orders/:id',
  'url.path': '/orders/7',
  'url.scheme': 'http',
  'server.address': 'localhost',
  'server.port': 3000,
};

const curlOf = (attributes: JsonAttributes, kind: 'server' | 'client' = 'server'): string | undefined => {
  const span = spanOf('GET /orders/:id', 0, 1, { kind, attributes });
  const request = readRequest(span, 'http://localhost:9');
  return request && writeCurl(request);
};

/** The words that a real shell makes of a command, each in a line. */
const wordsOf = (command: string): string[] =>
  execFileSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' })
    .split('\n')
    .slice(0, -1);

describe('a request as a curl command', () => {
  it.each([
    [{}, "curl 'http://localhost:3000/orders/7'"],
    [{ 'http.request.method': 'DELETE' }, "curl -X DELETE 'http://localhost:3000/orders/7'"],
    [{ 'http.request.method': 'HEAD' }, "curl --head 'http://localhost:3000/orders/7'"],
    [
      { 'http.request.method': '_OTHER', 'http.request.method_original': 'PURGE' },
      "curl -X PURGE 'http://localhost:3000/orders/7'",
    ],
    [{ 'url.scheme': 'https', 'server.port': 443 }, "curl 'https://localhost/orders/7'"],
    [{ 'server.address': '::1' }, "curl --globoff 'http://[::1]:3000/orders/7'"],
    [{ 'url.query': 'page=2' }, "curl 'http://localhost:3000/orders/7?page=2'"],
    [{ 'server.address': "a' b" }, "curl 'http://localhost:9/orders/7'"],
    [{ 'url.path': undefined }, "curl 'http://localhost:3000/orders/:id'"],
    [{ 'url.path': '/files/[a]' }, "curl --globoff 'http://localhost:3000/files/[a]'"],
  ])('has what was recorded: %j', (more, command) => {
    expect(curlOf(JSON.parse(JSON.stringify({ ...ATTRIBUTES, ...more })) as JsonAttributes)).toBe(command);
  });

  it('has recorded headers, without secrets and those that belong to one connection', () => {
    const headers = {
      accept: ['application/json'],
      'x-tenant': 'acme',
      authorization: ['Bearer abc'],
      cookie: ['session=1'],
      'x-api-key': ['k'],
      'x-csrf-token': ['t'],
      'proxy-authorization': ['p'],
      host: ['evil.example'],
      'content-length': ['12'],
      traceparent: ['00-1'],
      '@/etc/passwd': ['x'],
      'x-long': ['y'.repeat(2_000)],
      'x-number': 3,
    };
    const recorded = Object.entries(headers).map(([name, value]) => [`http.request.header.${name}`, value]);
    expect(curlOf({ ...ATTRIBUTES, ...(Object.fromEntries(recorded) as JsonAttributes) })).toBe(
      "curl 'http://localhost:3000/orders/7' -H 'accept: application/json' -H 'x-tenant: acme'",
    );
  });

  it.each([
    ['a span of a client', ATTRIBUTES, 'client'],
    ['no method', { ...ATTRIBUTES, 'http.request.method': 7 }, 'server'],
    ['a method that is none', { ...ATTRIBUTES, 'http.request.method': 'GET; rm -rf /' }, 'server'],
    ['a path that is none', { ...ATTRIBUTES, 'url.path': '@evil.example/' }, 'server'],
  ] as const)('is none of %s', (_, attributes, kind) => {
    expect(curlOf(attributes, kind)).toBeUndefined();
  });

  it('is one word in a real shell for each text, whatever characters it has', () => {
    const path = '/a\'b"c$(touch x)`id`;&|<>*?#~!\\ \t%20{1..3}é\u{1f600}';
    const value = "it's \\'\"$HOME`id`";
    const command = curlOf({ ...ATTRIBUTES, 'url.path': path, 'http.request.header.x-note': [value] })!;
    expect(wordsOf(command)).toEqual([
      'curl',
      '--globoff',
      `http://localhost:3000${path.replace('\t', '')}`,
      '-H',
      `x-note: ${value}`,
    ]);
    expect(wordsOf(quote('a\nb\r\u0000c'))).toEqual(['abc']);
    expect(wordsOf(quote(''))).toEqual(['']);
  });
});
