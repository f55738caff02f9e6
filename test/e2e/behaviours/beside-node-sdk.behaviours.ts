import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { SpanKind } from '@opentelemetry/api';

import { type Platform } from './platform.js';

const PROGRAM = join(__dirname, '../programs/with-node-sdk.cjs');
const PAGE = join(__dirname, '../../../docs/other-sdks.md');

interface Setup {
  /** Instrumentations that a NodeSDK starts before NestJS is loaded; null without one. */
  readonly sdk: readonly string[] | null;
  /** Those of the option `instrumentations`. */
  readonly passed?: readonly string[];
  readonly adapter?: Platform['adapter'];
}

const SETUPS: Readonly<Record<Platform['nest'], readonly Setup[]>> = {
  11: [
    { sdk: null, passed: ['nestjs-core'] },
    { sdk: [] },
    { sdk: ['http'] },
    { sdk: ['http', 'express', 'nestjs-core'] },
    { sdk: ['http', 'fastify', 'nestjs-core'], adapter: 'fastify' },
  ],
  12: [
    { sdk: null, passed: ['nestjs-core'] },
    { sdk: [] },
    { sdk: ['http', 'express', 'nestjs-core'] },
    { sdk: ['http', 'fastify', 'nestjs-core'], adapter: 'fastify' },
  ],
};

/** On a machine that is busy with other tests. */
const START_TIMEOUT_MS = 240_000;

interface PrintedSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly parentSpanContext?: unknown;
  readonly scope: string;
}

/** What the program prints of one request. */
interface Printed {
  readonly nest: string;
  /** Spans that the SDK sends. */
  readonly sent: readonly PrintedSpan[];
  /** Spans that the module sends. */
  readonly recorded: readonly PrintedSpan[];
  /** Lines of `/metrics` that count requests. */
  readonly scraped: readonly string[];
  /** Metrics of requests that a reader of the SDK gets, with their scopes. */
  readonly measured: readonly string[];
  readonly warnings: readonly string[];
}

const execute = promisify(execFile);

async function run(setup: Setup): Promise<Printed> {
  const { stdout } = await execute(process.execPath, [PROGRAM, JSON.stringify(setup)]);
  return JSON.parse(stdout) as Printed;
}

/** Which instrumentation made the spans of a call, for each of them. */
interface Makers {
  readonly request: readonly string[];
  readonly handler: readonly string[];
  readonly outgoing: readonly string[];
  readonly others: readonly string[];
}

function makersOf(spans: readonly PrintedSpan[]): Makers {
  const isHandler = ({ attributes }: PrintedSpan) =>
    attributes['nestjs.handler'] === 'find' ||
    (attributes['nestjs.type'] === 'handler' && attributes['nestjs.callback'] === 'find');
  const layerOf = (span: PrintedSpan): keyof Makers => {
    if (span.kind === SpanKind.SERVER) return 'request';
    if (span.kind === SpanKind.CLIENT) return 'outgoing';
    return isHandler(span) ? 'handler' : 'others';
  };
  const made = (layer: keyof Makers) =>
    spans.filter((span) => layerOf(span) === layer).map(({ scope }) => makerOf(scope));
  return {
    request: made('request'),
    handler: made('handler'),
    outgoing: made('outgoing'),
    others: made('others'),
  };
}

function makerOf(scope: string): string {
  if (scope.startsWith('nestjs-telemetry/') || scope === 'OrdersController') return 'this library';
  return `\`${scope.replace('@opentelemetry/instrumentation-', '').replace('@fastify/otel', 'fastify')}\``;
}

/** A row of the table in docs/other-sdks.md. */
function rowOf({ sdk, passed = [], adapter = 'express' }: Setup, printed: Printed): string[] {
  const list = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ');
  const { request, handler, outgoing, others } = makersOf(printed.recorded);
  const counted = [...new Set(others)].map((maker) => {
    const count = others.filter((other) => other === maker).length;
    return `${String(count)} of ${maker}`;
  });
  return [
    `${printed.nest.split('.')[0] ?? ''}, ${adapter === 'express' ? 'Express' : 'Fastify'}`,
    sdk === null ? 'no SDK' : sdk.length === 0 ? 'none' : list(sdk),
    passed.length === 0 ? 'none' : list(passed),
    ...[request, handler, outgoing].map((makers) => makers.join(', ')),
    counted.length === 0 ? 'none' : counted.join(', '),
  ];
}

/** What holds for a service that starts OpenTelemetry by itself, each in a process as its user starts it. */
export function describeBesideNodeSdk(nest: Platform['nest']): void {
  describe(`the module beside a NodeSDK on NestJS ${String(nest)}`, () => {
    const setups = SETUPS[nest];
    const all: (readonly [Setup, Printed])[] = [];

    beforeAll(async () => {
      // Two at a time.
      const runEvery = async (first: number): Promise<void> => {
        for (let index = first; index < setups.length; index += 2) {
          const setup = setups[index]!;
          all[index] = [setup, await run(setup)];
        }
      };
      await Promise.all([runEvery(0), runEvery(1)]);
    }, START_TIMEOUT_MS);

    it('gives no call a second span, in what both send', () => {
      for (const [{ sdk }, { recorded, sent }] of all) {
        const { request, handler, outgoing } = makersOf(recorded);
        expect([request, handler, outgoing].map((makers) => makers.length)).toEqual([1, 1, 1]);
        const names = (spans: readonly PrintedSpan[]) => spans.map(({ name }) => name).sort();
        if (sdk !== null) expect(names(sent)).toEqual(names(recorded));
      }
    });

    it('has each handler described by the names of this library, whoever made its span', () => {
      for (const [, { recorded }] of all)
        expect(recorded).toContainEqual(
          expect.objectContaining({
            attributes: expect.objectContaining({
              'nestjs.stage': 'handler',
              'nestjs.controller': 'OrdersController',
              'code.function.name': 'OrdersController.find',
            }) as unknown,
          }),
        );
    });

    it('records what docs/other-sdks.md lists', () => {
      const rows = readFileSync(PAGE, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith(`| ${String(nest)}, `))
        .map((line) =>
          line
            .split('|')
            .slice(1, -1)
            .map((cell) => cell.trim()),
        );
      expect(all.map(([setup, printed]) => rowOf(setup, printed))).toEqual(rows);
    });

    it('warns of the instrumentation of NestJS exactly where that records nothing', () => {
      for (const [{ sdk, passed = [] }, { warnings }] of all) {
        const isInert = nest === 12 && [...(sdk ?? []), ...passed].includes('nestjs-core');
        expect(warnings.filter((warning) => warning.includes('records nothing here'))).toEqual(
          isInert
            ? [expect.stringMatching(/instrumentation-nestjs-core \d\S* records nothing here: .* NestJS 12/)]
            : [],
        );
      }
    });
  });
}
