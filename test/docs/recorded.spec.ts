import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as stableConventions from '@opentelemetry/semantic-conventions';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import ts from 'typescript';

import * as names from '../../lib/config/semantic-conventions.constants.js';
import {
  FILTER,
  GUARD,
  INTERCEPTOR_AFTER,
  INTERCEPTOR_BEFORE,
  PIPE,
} from '../../lib/instrumentation/nest/pipeline/pipeline-record.js';
import { MEASUREMENTS, type RecordedMetric, recordEveryMetric } from './recorded-metrics.js';

const root = join(__dirname, '../..');
const file = join(root, 'docs/recorded.md');
const CONSTANTS = 'lib/config/semantic-conventions.constants.ts';

/** The sections of the page, with the files whose attributes they have. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  resource: ['lib/runtime/start-runtime.ts', 'lib/runtime/describe-container.ts', 'lib/config/identity.ts'],
  'http-server': ['lib/instrumentation/http-server'],
  nest: ['lib/instrumentation/nest'],
  'http-client': ['lib/instrumentation/clients/http'],
  databases: ['database', 'pg', 'postgres', 'mysql', 'mongodb', 'redis'].map(
    (name) => `lib/instrumentation/clients/${name}`,
  ),
  models: ['lib/instrumentation/clients/openai'],
  microservices: ['lib/instrumentation/microservices'],
  websockets: ['lib/instrumentation/websockets'],
  graphql: ['lib/instrumentation/graphql'],
  schedule: ['lib/instrumentation/schedule'],
  events: ['lib/instrumentation/event-emitter', 'lib/instrumentation/container'],
  bullmq: ['lib/instrumentation/bullmq', 'lib/instrumentation/container'],
  cqrs: ['lib/instrumentation/cqrs', 'lib/instrumentation/container'],
  methods: ['lib/tracing/trace.decorator.ts', 'lib/tracing/run-in-span.ts'],
  failures: ['lib/tracing/error-policy.ts', 'lib/engine/describe-error.ts'],
  lines: ['lib/logging/record-entry.ts'],
};
/** Rooms that pass on attributes, or read them. */
const NO_SECTION = /^lib\/(cli|config|dashboard|testing|metrics|metrics-sdk|exporters|engine\/encoding)\//;

function filesIn(path: string): string[] {
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(path, name));
}

const sourceOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** What a file writes: `[ATTR_X]: value`, `attributes[ATTR_X] = value`, `setAttribute(ATTR_X, value)`. */
const WRITTEN = /\[(ATTR_[A-Z0-9_]+)\](?=:| = )|setAttribute\((ATTR_[A-Z0-9_]+),/g;
const valueOf = (constant: string): string => String(names[constant as keyof typeof names]);

function attributesIn(paths: readonly string[]): string[] {
  const found = paths.flatMap((path) =>
    [...sourceOf(path).matchAll(WRITTEN)].map(([, key = '', argument = '']) => valueOf(key || argument)),
  );
  const stages = [GUARD, INTERCEPTOR_BEFORE, INTERCEPTOR_AFTER, PIPE, FILTER];
  if (paths.some((path) => path.endsWith('pipeline-record.ts')))
    found.push(...stages.flatMap((stage) => [stage.names, stage.total, stage.each]));
  return [...new Set(found)].sort();
}

const valuesOf = (module: object): Set<unknown> => new Set(Object.values(module));
const stable = valuesOf(stableConventions);
const inDevelopment = valuesOf(conventions);
const code = (texts: Iterable<string>): string => [...texts].map((text) => `\`${text}\``).join(', ');

function listAttributes(section: string): string {
  const paths = (SECTIONS[section] ?? []).flatMap(filesIn);
  const attributes = attributesIn(paths);
  const text = paths.map(sourceOf).join('\n');
  const scopes = new Set(
    [...text.matchAll(/'(nestjs-telemetry\/[a-z0-9-]+)'/g)].map(([, scope = '']) => scope),
  );
  const events = new Set(
    [...text.matchAll(/(?:addEvent|addRedactedEvent)\((?:span, )?'([\w.]+)'/g)].map(([, name = '']) => name),
  );
  const lists: readonly (readonly [title: string, names: readonly string[]])[] = [
    ['Scope', [...scopes]],
    ['Stable conventions', attributes.filter((name) => stable.has(name))],
    ['Conventions in development', attributes.filter((name) => !stable.has(name) && inDevelopment.has(name))],
    ['Of this library', attributes.filter((name) => !inDevelopment.has(name) && !stable.has(name))],
    ['Span events', [...events]],
  ];
  return lists
    .filter(([, list]) => list.length > 0)
    .map(([title, list]) => `- **${title}:** ${code(list)}`)
    .join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const listMetrics = (of: readonly RecordedMetric[]): string =>
  table(
    ['Metric', 'Type', 'Unit', 'Attributes'],
    of.map(({ name, type, unit, description, attributes }) => [
      `\`${name}\`<br>${description}`,
      type,
      `\`${unit}\``,
      code([...attributes].sort()),
    ]),
  );

/** The names that are ours, with the comments of their declarations. */
function listOwnNames(used: ReadonlySet<string>): string {
  const rows: [string, string][] = [];
  const source = ts.createSourceFile(CONSTANTS, sourceOf(CONSTANTS), ts.ScriptTarget.Latest, true);
  for (const statement of source.statements.filter((each) => ts.isVariableStatement(each))) {
    const constant = statement.declarationList.declarations[0]?.name.getText() ?? '';
    const name = valueOf(constant);
    if (!constant.startsWith('ATTR_') || !used.has(name) || inDevelopment.has(name)) continue;
    const [comment] = ts.getJSDocCommentsAndTags(statement);
    rows.push([`\`${name}\``, ts.getTextOfJSDocComment(comment?.comment)?.replaceAll(/\s+/g, ' ') ?? '']);
  }
  return table(['Attribute', 'Meaning'], rows);
}

const filled = (page: string, name: string, content: string): string => {
  const [begin, end] = [`<!-- recorded ${name} -->\n`, `<!-- /recorded ${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/recorded.md has no place for "${name}": ${begin.trim()}`);
  const made = `${begin}<!-- prettier-ignore-start -->\n\n${content}\n\n<!-- prettier-ignore-end -->\n`;
  return page.slice(0, from) + made + page.slice(to);
};

describe('docs/recorded.md', () => {
  const page = readFileSync(file, 'utf8');
  const sectionOf = (name: string): string =>
    page.split(/^#{2,3} /m).find((text) => text.includes(`<!-- recorded ${name} -->`)) ?? '';
  let groups: ReadonlyMap<string, readonly RecordedMetric[]>;
  beforeAll(async () => {
    groups = await recordEveryMetric();
  });

  // UPDATE_DOCS=1 writes the lists.
  it('lists the attributes and metrics that the code records', () => {
    let wanted = page;
    const used = new Set<string>();
    for (const section of Object.keys(SECTIONS)) {
      wanted = filled(wanted, section, listAttributes(section));
      for (const name of attributesIn((SECTIONS[section] ?? []).flatMap(filesIn))) used.add(name);
    }
    for (const [group, found] of groups) wanted = filled(wanted, `metrics ${group}`, listMetrics(found));
    wanted = filled(wanted, 'own names', listOwnNames(used));
    if (process.env.UPDATE_DOCS === '1') writeFileSync(file, wanted);
    else expect(page).toBe(wanted);
  });

  it('has every metric that is declared', () => {
    const found = new Set([...groups.values()].flat().map(({ name }) => name));
    const declared = Object.entries(names).filter(([constant]) => constant.startsWith('METRIC_'));
    expect(declared.map(([, name]) => String(name)).filter((name) => !found.has(name))).toEqual([]);
    expect(Object.keys(MEASUREMENTS)).toEqual([...groups.keys()]);
  });

  it('has every attribute that metrics are given', () => {
    const found = new Set([...groups.values()].flat().flatMap(({ attributes }) => [...attributes]));
    const given = filesIn('lib/metrics').flatMap((path) =>
      [...sourceOf(path).matchAll(/\bATTR_[A-Z0-9_]+/g)].map(([constant]) => valueOf(constant)),
    );
    expect([...new Set(given)].filter((name) => !found.has(name))).toEqual([]);
  });

  it('has a section for every file that sets attributes of spans', () => {
    const covered = new Set(Object.values(SECTIONS).flat().flatMap(filesIn));
    const others = filesIn('lib').filter((path) => !covered.has(path) && !NO_SECTION.test(path));
    expect(others.filter((path) => attributesIn([path]).length > 0)).toEqual([]);
  });

  it('names the kinds of spans that the code of each section starts', () => {
    const missing = Object.entries(SECTIONS).flatMap(([section, paths]) => {
      const text = paths
        .flatMap(filesIn)
        .map(sourceOf)
        .join('\n')
        .replaceAll(/^ *\*.*$/gm, '');
      const kinds = [...text.matchAll(/(?<!=== )\bSpanKind\.([A-Z]+)/g)].map(([, kind = '']) => kind);
      return kinds.filter((kind) => !sectionOf(section).includes(kind)).map((kind) => `${section}: ${kind}`);
    });
    expect(missing).toEqual([]);
  });

  it('has a meaning for every name of this library', () => {
    expect(page.match(/^\| `[\w.]+` \| {2}\|$/gm)).toBeNull();
  });

  it('finds no attribute in lib/instrumentation that is written out instead of declared', () => {
    const written = filesIn('lib/instrumentation').flatMap((path) =>
      [...sourceOf(path).matchAll(/['"`](nestjs\.[\w.${}]+)['"`]\]?:/g)].map(
        ([, name = '']) => `${path}: ${name}`,
      ),
    );
    expect(written).toEqual([]);
  });
});
