import { drawTree, nameWithParent, type SpanNode, walk } from '../trace-tree.js';
import { checkArgument, EXPECTED_SPAN, type ExpectedSpan, isText, readProbe } from './check-arguments.js';
import { type Difference, differingValues, matchesText, show, showDifferences } from './compare-values.js';
import { type MatcherResult } from './matcher-result.js';
import { nearestOf } from './nearest.js';

const MAX_LINES = 60;

/** Passes when the probe has such a span. */
export function toHaveSpan(received: unknown, expected: string | RegExp | ExpectedSpan): MatcherResult {
  const records = readProbe('toHaveSpan', received);
  const wanted = readExpectedSpan('toHaveSpan', expected);
  const trees = records.trees();
  const found = findSpans(trees, wanted);
  const pass = wanted.times === undefined ? found.length > 0 : found.length === wanted.times;
  return { pass, message: () => (pass ? explainPresence : explainAbsence)(trees, wanted, found) };
}

/** @throws TelemetryError `TELEMETRY_INVALID_TEST` */
export function readExpectedSpan(caller: string, expected: string | RegExp | ExpectedSpan): ExpectedSpan {
  const wanted = isText(expected) ? { name: expected } : expected;
  checkArgument(caller, 'expected', wanted, EXPECTED_SPAN);
  return wanted;
}

/** Those that are as expected, and have ended. */
export function findSpans(trees: readonly SpanNode[], wanted: ExpectedSpan): SpanNode[] {
  return [...walk(trees)].filter((node) => !node.isOpen && differencesOf(node, wanted).length === 0);
}

function differencesOf({ span, parent }: SpanNode, wanted: ExpectedSpan): Difference[] {
  const differences: Difference[] = [];
  const compare = (what: string, expected: unknown, received: unknown, isSame: boolean): void => {
    if (!isSame) differences.push({ what, expected, received });
  };
  const { name, kind, status, attributes = {}, parent: above } = wanted;
  if (name !== undefined) compare('name', name, span.name, matchesText(span.name, name));
  if (kind !== undefined) compare('kind', kind, span.kind, span.kind === kind);
  if (status !== undefined) compare('status', status, span.status, span.status === status);
  if (above !== undefined) {
    const received = parent?.span.name ?? null;
    const isSame = above === null || received === null ? above === received : matchesText(received, above);
    compare('parent', above, received, isSame);
  }
  const ofAttribute = (key: string): string => `attributes[${JSON.stringify(key)}]`;
  return [...differences, ...differingValues(span.attributes, attributes, ofAttribute)];
}

/** Why no span is as expected: the nearest one with what differs, and the trace. */
export function explainAbsence(
  trees: readonly SpanNode[],
  wanted: ExpectedSpan,
  found: readonly SpanNode[],
): string {
  const { times, ...criteria } = wanted;
  const header = `expect(probe).toHaveSpan(${show(criteria)})`;
  const tree = describeTrees(trees);
  if (times !== undefined && found.length > 0)
    return `${header}\n\n${times} of them are expected, and ${found.length} were recorded.\n\n${tree}`;
  const open = [...walk(trees)].find((node) => node.isOpen && differencesOf(node, criteria).length === 0);
  if (open !== undefined)
    return `${header}\n\nSuch a span was started and has not ended. Wait for it: await probe.settled().\n\n${tree}`;
  const nearest = nearestOf(
    [...walk(trees)].map((node) => ({ item: node, differences: differencesOf(node, criteria) })),
  );
  const explanation =
    nearest === undefined
      ? 'No span was recorded. Is the code that makes it called, and does the probe run?'
      : `No span is like that. The nearest one, ${nameWithParent(nearest.item)}, differs in\n${showDifferences(nearest.differences)}`;
  return `${header}\n\n${explanation}${nearest === undefined ? '' : `\n\n${tree}`}`;
}

function explainPresence(
  trees: readonly SpanNode[],
  wanted: ExpectedSpan,
  found: readonly SpanNode[],
): string {
  const names = found.map(nameWithParent).join(', ');
  return `expect(probe).not.toHaveSpan(${show(wanted)})\n\nRecorded, and not expected: ${names}\n\n${describeTrees(trees)}`;
}

/** All spans as a tree, bounded. */
export function describeTrees(trees: readonly SpanNode[]): string {
  return `Recorded spans:\n\n${trees.length === 0 ? 'none' : drawTree(trees, {}, MAX_LINES)}`;
}
