import { describeResource, MAX_NAME } from '../sqlite/describe-rows.js';
import { type StoredResource } from '../sqlite/rows.interface.js';
import { type Steps } from '../steps.js';
import { OTLP_LISTS, type OtlpSignal } from './otlp-messages.constants.js';
import { attributesAt, listAt, objectAt, textAt } from './read-values.js';
import { type RequestBudget } from './request-limits.js';

type Fields = Readonly<Record<string, unknown>>;

/** What a request had in it: rows, and how many items could not be made into one, with a reason. */
export interface ReadItems<Row> {
  readonly rows: readonly Row[];
  readonly rejected: number;
  /** Why items were rejected or cut; empty when all were taken as they are. */
  readonly reason: string;
}

/** Who sent an item. */
export interface Sender {
  readonly resource: StoredResource;
  /** Name of the instrumentation scope. */
  readonly scope: string;
}

/** Collects the rows of one request, and what could not be taken. */
export class ItemCollector<Row> {
  readonly rows: Row[] = [];
  rejected = 0;
  private cut = 0;
  private why = '';

  constructor(private readonly budget: RequestBudget) {}

  /** @throws DashboardError 413 when there are too many */
  add(row: Row, isCut: boolean): void {
    this.rows.push(row);
    this.budget.checkRows(this.rows.length);
    if (isCut) this.cut += 1;
  }

  reject(reason: string, count = 1): void {
    this.rejected += count;
    this.why = reason;
  }

  get result(): ReadItems<Row> {
    const { rows, rejected } = this;
    const cut = this.cut === 0 ? '' : `${this.cut} items were too large and were cut`;
    return { rows, rejected, reason: [this.why, cut].filter(Boolean).join('; ') };
  }
}

/**
 * The rows that `read` collects of each item of a request, in steps.
 *
 * @throws DashboardError 400 when it is no such request, 413 beyond the budget
 */
export function* readRows<Row>(
  signal: OtlpSignal,
  request: Fields,
  budget: RequestBudget,
  read: (item: Fields, sender: Sender, collector: ItemCollector<Row>) => Generator<undefined> | undefined,
): Steps<ReadItems<Row>> {
  const collector = new ItemCollector<Row>(budget);
  const [resources, scopes, items] = OTLP_LISTS[signal];
  for (const ofResource of listAt(request, resources)) {
    const resource = readResource(objectAt(ofResource, 'resource'));
    if (budget.isOverNow) yield* budget.pass();
    for (const ofScope of listAt(ofResource, scopes)) {
      const scope = textAt(objectAt(ofScope, 'scope'), 'name').slice(0, MAX_NAME);
      for (const item of listAt(ofScope, items)) {
        // What an item has many of comes one by one.
        const parts = read(item, { resource, scope }, collector);
        while (parts?.next().done === false) if (budget.isOverNow) yield* budget.pass();
        if (budget.isOverNow) yield* budget.pass();
      }
    }
  }
  return collector.result;
}

const MAX_RESOURCES = 200;
/** Characters of their attributes together. */
const MAX_CHARACTERS = 4_194_304;
/** Rows are looked up by the object of their resource: the same sender must get the same object. */
const known = new Map<string, StoredResource>();
let characters = 0;

/** Who sent something, by the `resource` of OTLP. */
function readResource(resource: Readonly<Record<string, unknown>>): StoredResource {
  const attributes = attributesAt(resource);
  const text = JSON.stringify(attributes);
  let stored = known.get(text);
  if (stored === undefined) {
    stored = describeResource((key) => attributes[key], text);
    characters += text.length;
    if (known.size >= MAX_RESOURCES || characters > MAX_CHARACTERS) {
      known.clear();
      characters = text.length;
    }
    known.set(text, stored);
  }
  return stored;
}
