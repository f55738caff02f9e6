import { posix } from 'node:path';

import { isRecord } from '../../config/option-rules.js';
import { type Edited, enableShutdownHooks, findRootModule, importTelemetry } from './edit-source.js';

/** Returns the text of a file of the project by its path with `/`; undefined where there is none. */
export type ReadFile = (path: string) => string | undefined;

/** What becomes of one file. */
export interface FileEdit {
  readonly path: string;
  /** undefined: the file is new. */
  readonly before: string | undefined;
  readonly after: string;
}

export interface Plan {
  readonly edits: readonly FileEdit[];
  /** What has to be done by hand, one sentence each, with the file it concerns. */
  readonly byHand: readonly string[];
}

const EXAMPLE = `# nestjs-telemetry: each line is optional.
# OTEL_SERVICE_NAME=orders
# Where traces, metrics and logs are sent (OTLP): 4317 is gRPC, 4318 is HTTP.
# OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
# Or Jaeger, which takes traces only.
# OTEL_EXPORTER_JAEGER_ENDPOINT=http://localhost:4318
# Share of traces that are recorded.
# OTEL_TRACES_SAMPLER=parentbased_traceidratio
# OTEL_TRACES_SAMPLER_ARG=0.1
`;
const EXAMPLE_MARK = '# nestjs-telemetry';
const STORE_FOLDER = '.telemetry/';

/** The edits that add telemetry to a project of the Nest CLI; none where it has it. */
export function planEdits(read: ReadFile): Plan {
  const edits: FileEdit[] = [];
  const byHand: string[] = [];
  const edit = (path: string, before: string | undefined, { text, byHand: hint }: Edited): void => {
    if (hint !== undefined) byHand.push(`${path}: ${hint}`);
    else if (text !== before) edits.push({ path, before, after: text });
  };

  const mainPath = findMain(read);
  const main = read(mainPath);
  if (main === undefined)
    byHand.push(`${mainPath} is missing: add TelemetryModule.forRoot() to the imports of the root module.`);
  else {
    const root = findRootModule(main);
    const modulePath = root && sourceOf(read, posix.join(posix.dirname(mainPath), root.from));
    const source = modulePath === undefined ? undefined : read(modulePath);
    if (root === undefined || modulePath === undefined || source === undefined)
      byHand.push(
        `${mainPath}: its root module was not found. Add TelemetryModule.forRoot() to the imports of it.`,
      );
    else edit(modulePath, source, importTelemetry(source, root.name));
    edit(mainPath, main, enableShutdownHooks(main));
  }
  edit('.env.example', read('.env.example'), { text: withExample(read('.env.example')) });
  const ignored = read('.gitignore');
  if (ignored !== undefined) edit('.gitignore', ignored, { text: withIgnored(ignored) });
  return { edits, byHand };
}

/** As `nest-cli.json` names it. */
function findMain(read: ReadFile): string {
  const settings = parse(read('nest-cli.json'));
  const { sourceRoot = 'src', entryFile = 'main' } = settings;
  return posix.join(textOr(sourceRoot, 'src'), `${textOr(entryFile, 'main')}.ts`);
}

function parse(json: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json ?? '{}');
    return isRecord(value) ? value : {};
  } catch {
    // The Nest CLI names the mistake in it.
    return {};
  }
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

/** `./app.module.js` is written in `app.module.ts`. */
function sourceOf(read: ReadFile, imported: string): string | undefined {
  const base = imported.replace(/\.[mc]?[jt]s$/, '');
  return [`${base}.ts`, `${base}/index.ts`, `${base}.mts`].find((path) => read(path) !== undefined);
}

function withExample(before: string | undefined): string {
  if (before === undefined) return EXAMPLE;
  if (before.includes(EXAMPLE_MARK)) return before;
  return `${before}${before.endsWith('\n') ? '' : '\n'}\n${EXAMPLE}`;
}

function withIgnored(before: string): string {
  if (/^\/?\.telemetry\/?\s*$/m.test(before)) return before;
  return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}\n# Telemetry of this machine\n${STORE_FOLDER}\n`;
}
