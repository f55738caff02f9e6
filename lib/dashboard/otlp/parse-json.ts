import { StringDecoder } from 'node:string_decoder';

import { badRequest } from '../http/dashboard-error.js';
import { parseJson } from '../http/read-body.js';
import { type Steps } from '../steps.js';
import { setMember } from './read-values.js';
import { type RequestBudget } from './request-limits.js';

/** Bytes that `JSON.parse()` reads in about a millisecond: shorter bodies are read by it. */
const SHORT = 65_536;
/** Bytes that are made a text between two looks at the clock. */
const CHUNK = 262_144;
/** Of a longer text only the beginning is read; rows keep less of it. */
const MAX_TEXT = 131_072;
/** Escaped quotation marks between two looks at the clock. */
const QUOTES = 4_096;
/** An escape has up to six characters. */
const ESCAPE = 6;
/** Lists within lists; OTLP itself needs twelve. */
const MAX_DEPTH = 200;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?/iy;
const SPACE = /[ \t\n\r]*/y;
const LITERALS: readonly (readonly [text: string, value: unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/** A list or an object that is being read. */
interface OpenValue {
  readonly value: unknown[] | Record<string, unknown>;
  /** The name of the member that comes next; undefined in a list. */
  key: string | undefined;
}

/**
 * What the body says as JSON, read in steps: `JSON.parse()` would block the event loop for as long
 * as a body of many megabytes takes.
 *
 * @throws DashboardError 400 when it is no JSON, 413 beyond the budget
 */
export function* parseJsonInSteps(body: Buffer, budget: RequestBudget): Steps<unknown> {
  if (body.length <= SHORT) return parseJson(body);
  return yield* new JsonText(yield* decode(body, budget)).read(budget);
}

/**
 * The values of a file that has one after the other, such as a line each.
 *
 * @throws DashboardError as `parseJsonInSteps()` does
 */
export function* parseJsonListInSteps(body: Buffer, budget: RequestBudget): Steps<readonly unknown[]> {
  return yield* new JsonText(yield* decode(body, budget)).readAll(budget);
}

function* decode(body: Buffer, budget: RequestBudget): Steps<string> {
  const decoder = new StringDecoder('utf8');
  let text = '';
  for (let from = 0; from < body.length; from += CHUNK) {
    text += decoder.write(body.subarray(from, from + CHUNK));
    if (budget.isOverNow) yield* budget.pass();
  }
  return text + decoder.end();
}

class JsonText {
  private position = 0;
  /** How far the end of a text was looked for. */
  private scanned = 0;

  constructor(private readonly text: string) {}

  *read(budget: RequestBudget): Steps<unknown> {
    const value = yield* this.value(budget);
    if (!this.isRead()) throw this.unexpected();
    return value;
  }

  *readAll(budget: RequestBudget): Steps<readonly unknown[]> {
    const values: unknown[] = [];
    do values.push(yield* this.value(budget));
    while (!this.isRead());
    return values;
  }

  private isRead(): boolean {
    this.skipSpace();
    return this.position >= this.text.length;
  }

  private *value(budget: RequestBudget): Steps<unknown> {
    const open: OpenValue[] = [];
    for (;;) {
      budget.takeValues();
      if (budget.isOver) yield* budget.pass();
      let value: unknown;
      if (this.take('{')) {
        const object: Record<string, unknown> = {};
        if (!this.take('}')) {
          open.push({ value: object, key: yield* this.key(budget) });
          this.checkDepth(open);
          continue;
        }
        value = object;
      } else if (this.take('[')) {
        const list: unknown[] = [];
        if (!this.take(']')) {
          open.push({ value: list, key: undefined });
          this.checkDepth(open);
          continue;
        }
        value = list;
      } else value = yield* this.scalar(budget);
      if (this.closes(open, value)) return open[0]?.value ?? value;
      const parent = open.at(-1);
      if (parent?.key !== undefined) parent.key = yield* this.key(budget);
    }
  }

  /** Puts a value into what is open, and closes what ends after it; returns whether all is read. */
  private closes(open: OpenValue[], given: unknown): boolean {
    let value = given;
    for (let parent = open.at(-1); parent !== undefined; parent = open.at(-1)) {
      if (parent.key === undefined) (parent.value as unknown[]).push(value);
      else setMember(parent.value as Record<string, unknown>, parent.key, value);
      if (this.take(',')) return false;
      if (!this.take(parent.key === undefined ? ']' : '}')) throw this.unexpected();
      if (open.length === 1) return true;
      ({ value } = parent);
      open.pop();
    }
    return true;
  }

  private *key(budget: RequestBudget): Steps<string> {
    this.skipSpace();
    if (this.text[this.position] !== '"') throw this.unexpected();
    const key = this.string(this.findQuote(this.position, 1) ?? (yield* this.endOfString(budget)));
    if (!this.take(':')) throw this.unexpected();
    return key;
  }

  private *scalar(budget: RequestBudget): Steps<unknown> {
    this.skipSpace();
    const { text, position } = this;
    if (text[position] === '"')
      return this.string(this.findQuote(position, 1) ?? (yield* this.endOfString(budget)));
    for (const [literal, value] of LITERALS)
      if (text.startsWith(literal, position)) {
        this.position += literal.length;
        return value;
      }
    NUMBER.lastIndex = position;
    const [number] = NUMBER.exec(text) ?? [];
    if (number === undefined) throw this.unexpected();
    this.position += number.length;
    return Number(number);
  }

  /** The text that begins here and ends at `end`, or the beginning of a very long one. */
  private string(end: number): string {
    const { text, position } = this;
    this.position = end + 1;
    let value: string | undefined;
    if (end - position <= MAX_TEXT) value = unescape(text.slice(position, end + 1));
    else
      // Cut within an escape it is no text.
      for (let cut = MAX_TEXT; value === undefined && cut > MAX_TEXT - ESCAPE; cut -= 1)
        value = unescape(`${text.slice(position, position + cut)}"`);
    if (value === undefined) throw this.unexpected();
    return value;
  }

  /** Where the quotation mark after `from` is that ends a text; undefined when it is none of the next `most`. */
  private findQuote(from: number, most: number): number | undefined {
    let end = from;
    for (let count = 0; count < most; count += 1) {
      end = this.text.indexOf('"', end + 1);
      if (end === -1) throw this.unexpected();
      if (!this.isEscaped(end)) return end;
    }
    this.scanned = end;
    return undefined;
  }

  private *endOfString(budget: RequestBudget): Steps<number> {
    for (;;) {
      const end = this.findQuote(this.scanned, QUOTES);
      if (end !== undefined) return end;
      if (budget.isOverNow) yield* budget.pass();
    }
  }

  /** Whether an odd number of backslashes is before it. */
  private isEscaped(end: number): boolean {
    let before = end - 1;
    while (this.text.charCodeAt(before) === 0x5c) before -= 1;
    return (end - before) % 2 === 0;
  }

  private take(character: string): boolean {
    this.skipSpace();
    if (this.text[this.position] !== character) return false;
    this.position += 1;
    return true;
  }

  private skipSpace(): void {
    if (this.text.charCodeAt(this.position) > 0x20) return;
    SPACE.lastIndex = this.position;
    this.position += SPACE.exec(this.text)?.[0].length ?? 0;
  }

  private checkDepth(open: readonly OpenValue[]): void {
    if (open.length > MAX_DEPTH) throw badRequest('The body is nested too deeply.');
  }

  private unexpected(): Error {
    const { position } = this;
    const found = position < this.text.length ? 'Unexpected text' : 'Unexpected end';
    return badRequest(`The body is no JSON: ${found} at position ${position}.`);
  }
}

/** The text of a JSON string; undefined when it is none. */
function unescape(token: string): string | undefined {
  try {
    return JSON.parse(token) as string;
  } catch {
    return undefined;
  }
}
