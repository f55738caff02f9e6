import { type OptionRule, type RulesOf } from './option-rule.interface.js';
import { type Parsed } from './parsed.interface.js';
import { renderEndpoint, renderKind, renderReceived } from './render-received.js';
import { suggestName } from './suggest-name.js';

/** A value for which `holds` is true; `remedy` says what to write instead. */
export function must(holds: (value: unknown) => boolean, remedy: string): OptionRule {
  return {
    check: (value, name, report) => {
      if (!holds(value)) report(name, renderReceived(value), remedy);
    },
  };
}

export const flag = must((value) => typeof value === 'boolean', 'Write true or false, without quotes.');

/** A text with something in it. */
export function text(what: string): OptionRule {
  return must(
    (value) => typeof value === 'string' && value.trim() !== '',
    `Write ${what} as a text that is not empty, or leave the option out.`,
  );
}

/** A number in a range; `what` names it in the remedy. */
export function number(min: number, max: number, what: string, integer = false): OptionRule {
  return must(
    (value) =>
      typeof value === 'number' && value >= min && value <= max && (!integer || Number.isInteger(value)),
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
  return `There is no such option. Known are ${known.join(', ')}.`;
}
