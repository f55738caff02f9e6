import type { Parsed } from './endpoints.js';

/** Receives one wrong value: its dotted name, the value rendered, and what to write instead. */
export type ReportProblem = (name: string, received: string, remedy: string) => void;

/** What a value must be; each violation is reported. Values that are undefined are not checked. */
export interface OptionRule {
  readonly check: (value: unknown, name: string, report: ReportProblem) => void;
  /** Rules of the options inside, when the value may be an object of options. */
  readonly fields?: Readonly<Record<string, OptionRule>>;
}

/** One rule per option, none forgotten. */
export type RulesOf<T> = { readonly [K in keyof Required<T>]: OptionRule };

/** A value for which `holds` is true; `remedy` says what to write instead. */
export function must(holds: (value: unknown) => boolean, remedy: string): OptionRule {
  return {
    check: (value, name, report) => {
      if (!holds(value)) report(name, renderReceived(value), remedy);
    },
  };
}

export const flag = must((value) => typeof value === 'boolean', 'Write true or false, without quotes.');

/** A flag, or what `rule` allows; its remedy must name both. */
export function flagOr(rule: OptionRule): OptionRule {
  return either((value) => typeof value === 'boolean', flag, rule);
}

/** A text with something in it. */
export function text(what: string): OptionRule {
  return must(
    (value) => typeof value === 'string' && value.trim() !== '',
    `Write ${what} as a text that is not empty, or leave the option out.`,
  );
}

/** A number in a range; `what` names it in the remedy. */
export function number(min: number, max: number, what: string): OptionRule {
  return must((value) => typeof value === 'number' && value >= min && value <= max, `Write ${what}.`);
}

/** A whole number in a range; `what` names it in the remedy. */
export function wholeNumber(what: string, min: number, max = Number.MAX_SAFE_INTEGER): OptionRule {
  return must(
    (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
    `Write ${what}.`,
  );
}

/** One of these texts. */
export function oneOf(names: readonly string[]): OptionRule {
  return {
    check: (value, name, report) => {
      if (typeof value === 'string' && names.includes(value)) return;
      const meant = typeof value === 'string' ? suggestName(value, names) : undefined;
      const hint = meant === undefined ? '' : `Did you mean ${JSON.stringify(meant)}? `;
      report(name, renderReceived(value), `${hint}Write one of ${names.join(', ')}.`);
    },
  };
}

/** An address that `parse` understands. */
export function endpoint(parse: (address: string) => Parsed<unknown>, example: string): OptionRule {
  return {
    check: (value, name, report) => {
      if (typeof value !== 'string')
        report(name, renderReceived(value), `Write an address as a text, for example ${example}.`);
      else if (value.trim() === '')
        report(name, '""', `Write an address, for example ${example}, or leave the option out.`);
      else {
        const { remedy } = parse(value);
        if (remedy !== undefined) report(name, renderEndpoint(value), remedy);
      }
    },
  };
}

/** An array each of whose items follows `item`. */
export function listOf(item: OptionRule, what: string): OptionRule {
  return {
    check: (value, name, report) => {
      if (!Array.isArray(value)) {
        report(name, renderReceived(value), `Write an array of ${what}.`);
        return;
      }
      for (const [index, entry] of value.entries()) item.check(entry, `${name}[${index}]`, report);
    },
  };
}

/** An object each of whose values follows `item`, unless it is undefined. */
export function recordOf(item: OptionRule, what: string): OptionRule {
  return {
    check: (value, name, report) => {
      if (!isRecord(value)) report(name, renderReceived(value), `Write an object of ${what}.`);
      else
        for (const [key, entry] of Object.entries(value))
          if (entry !== undefined) item.check(entry, `${name}.${key}`, report);
    },
  };
}

/** An object that has these methods; `what` names it in the remedy. */
export function having(methods: readonly string[], what: string): OptionRule {
  return must((value) => hasMethods(value, methods), `Pass ${what} (an object with ${methods.join(', ')}).`);
}

/** Whether `value` can be called by all these names. */
export function hasMethods(value: unknown, methods: readonly string[]): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const members = value as Readonly<Record<string, unknown>>;
  return methods.every((method) => typeof members[method] === 'function');
}

/** `first` for the values it is meant for, else `second`, whose remedy must speak for both. */
export function either(
  first: (value: unknown) => boolean,
  firstRule: OptionRule,
  second: OptionRule,
): OptionRule {
  const fields = firstRule.fields ?? second.fields;
  return {
    check: (value, name, report) => {
      (first(value) ? firstRule : second).check(value, name, report);
    },
    ...(fields !== undefined && { fields }),
  };
}

/** An object of options; names it does not know are reported with the one that was probably meant. */
export function shape<T>(rules: RulesOf<T>, what: string): OptionRule {
  const fields: Readonly<Record<string, OptionRule>> = rules;
  return {
    fields,
    check: (value, name, report) => {
      if (!isRecord(value)) {
        report(name === '' ? 'options' : name, renderReceived(value), `Write ${what}.`);
        return;
      }
      for (const [key, entry] of Object.entries(value)) {
        const path = name === '' ? key : `${name}.${key}`;
        const rule = Object.hasOwn(fields, key) ? fields[key] : undefined;
        if (rule === undefined) report(path, renderKind(entry), unknownName(key, Object.keys(fields)));
        else if (entry !== undefined) rule.check(entry, path, report);
      }
    },
  };
}

/** Whether `value` is an object that is neither an array nor null. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknownName(name: string, known: readonly string[]): string {
  const meant = suggestName(name, known);
  if (meant !== undefined) return `There is no such option. Did you mean ${meant}?`;
  return `There is no such option. Known options: ${known.join(', ')}.`;
}

/** The known name a mistyped one most likely stands for; undefined when none is close. */
export function suggestName(mistyped: string, known: readonly string[]): string | undefined {
  const wanted = simplify(mistyped);
  const [closest] = known
    .map((name) => ({ name, distance: distanceBetween(wanted, simplify(name)) }))
    .filter(({ distance }) => distance <= Math.max(1, Math.floor(wanted.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return closest?.name;
}

/** `service_name`, `service-name` and `ServiceName` all mean `serviceName`. */
function simplify(name: string): string {
  return name.replace(/[_\-.\s]/g, '').toLowerCase();
}

/** A name that only goes on (`warning` for `warn`) is as close as one wrong letter. */
function distanceBetween(from: string, to: string): number {
  const shorter = Math.min(from.length, to.length);
  const goesOn = shorter >= 3 && from.slice(0, shorter) === to.slice(0, shorter) && from !== to;
  return goesOn ? 1 : editDistance(from, to);
}

/** How many letters are added, left out or replaced (Levenshtein's distance). */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

const LONGEST = 100;

/**
 * Renders a value for a human: texts quoted and cut, objects by their keys only, because values may
 * be secrets.
 */
export function renderReceived(value: unknown): string {
  if (typeof value === 'string') return renderText(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : renderKind(value);
}

/** Renders what kind of value it is and nothing of the value itself. */
export function renderKind(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  if (typeof value === 'object') return renderObject(value);
  return `a ${typeof value}`;
}

/** Renders an address without its credentials and its query, which may carry a key. */
export function renderEndpoint(text: string): string {
  return renderText(text.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1***@').replace(/\?.*$/s, '?***'));
}

/** Stands where a secret was received. */
export const HIDDEN = '(hidden)';

function renderText(text: string): string {
  return JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
}

function renderObject(value: object): string {
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null;
  const name = prototype?.constructor?.name ?? 'Object';
  if (name !== 'Object' && name !== '') return `an instance of ${name}`;
  const keys = Object.keys(value);
  return keys.length === 0 ? 'an empty object' : `an object with ${keys.slice(0, 10).join(', ')}`;
}
