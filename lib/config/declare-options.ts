import type { EnvironmentVariable, VariableValue } from './environment.js';
import type { OptionRule } from './option-rules.js';

/**
 * One option: its rule, its default and the variables that set it. Its type and its text for editors
 * and docs are in the interface of the same subject.
 */
export interface OptionDeclaration<T = unknown> extends OptionRule {
  /** Applies when neither code nor environment sets the option; left out where it depends on other settings. */
  readonly default?: T | undefined;
  /** Variables that set it, the one that wins first. */
  readonly env?: Readonly<Record<string, OptionVariable<T>>>;
  /** A page of docs/ with more about it, for the table: `sampling.md#rules`. */
  readonly see?: string;
}

/** A variable that sets an option. */
export type OptionVariable<T = unknown> = EnvironmentVariable & {
  /** Converts the value of the variable where the option has another type or name for it. */
  readonly means?: (value: never) => T;
};

/** One declaration per option of `T`, none forgotten. */
export type OptionsOf<T> = { readonly [K in keyof Required<T>]: OptionDeclaration<Required<T>[K]> };

/** Declares an option; the type keeps its variables, their kinds, and whether there is a default. */
export function option<const D extends Omit<OptionDeclaration, 'check' | 'fields'>>(
  rule: OptionRule,
  declaration: D,
): OptionRule & D {
  return { ...rule, ...declaration };
}

/** Values of variables by name; unset, empty and wrong ones are missing. */
export type ValuesOf<V> = { readonly [N in keyof V]?: VariableValue<V[N]> };

/** Values of the variables of all options in `D`, by name. */
export type ValuesIn<D> = ValuesOf<VariablesOf<D>>;

type VariablesOf<D> = Intersected<
  { [K in keyof D]: D[K] extends { readonly env: infer V } ? V : object }[keyof D]
>;

type Intersected<U> = (U extends unknown ? (member: U) => void : never) extends (all: infer I) => void
  ? I
  : never;

/**
 * Decides one option: code wins over environment, environment over default.
 *
 * @param given the value in code
 */
export function decide<T, D extends Pick<OptionDeclaration, 'default' | 'env'>>(
  declaration: D,
  given: T | undefined,
  env: Readonly<Record<string, unknown>>,
): T | (D extends { readonly default: infer V } ? V : undefined);
export function decide<T>(
  { env: variables = {}, default: otherwise }: Pick<OptionDeclaration, 'default' | 'env'>,
  given: T | undefined,
  env: Readonly<Record<string, unknown>>,
): unknown {
  if (given !== undefined) return given;
  for (const [name, { means }] of Object.entries(variables)) {
    const value = env[name];
    // The variable was parsed by its kind, and `means` takes a value of that kind.
    if (value !== undefined) return means === undefined ? value : means(value as never);
  }
  return otherwise;
}

/** Options after `decideAll()`: one without a default may be undefined. */
type Decided<T, D> = {
  readonly [K in keyof Required<T>]:
    | Required<T>[K]
    | (K extends keyof D ? (D[K] extends { readonly default: unknown } ? never : undefined) : never);
};

/** Decides each option of one subject. */
export function decideAll<T extends object, const D extends OptionsOf<T>>(
  declarations: D,
  given: T,
  env: Readonly<Record<string, unknown>>,
): Decided<T, D> {
  const values = given as Readonly<Record<string, unknown>>; // read by the names of the declarations
  return Object.fromEntries(
    Object.entries<OptionDeclaration>(declarations).map(([name, declaration]) => [
      name,
      decide(declaration, values[name], env),
    ]),
  ) as Decided<T, D>; // the entries are those of the declarations
}

/** Options when all are decided. */
export type Resolved<T> = Readonly<Required<T>>;

/** A frozen copy of a list that may be missing. */
export function frozenList<T>(list: readonly T[] = []): readonly T[] {
  return Object.freeze([...list]);
}

/** Removes keys whose value is undefined, so that spreading the object never erases a default. */
export function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  // Object.fromEntries forgets the keys' types; only undefined values were removed.
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Every option by its dotted name, with what is declared for it. */
export function listOptions(
  declarations: Readonly<Record<string, OptionDeclaration>>,
  prefix = '',
): readonly (readonly [name: string, declaration: OptionDeclaration])[] {
  return Object.entries(declarations).flatMap(([key, declaration]) => [
    [`${prefix}${key}`, declaration] as const,
    ...listOptions(declaration.fields ?? {}, `${prefix}${key}.`),
  ]);
}

/** The variables of options, also of options inside of options. */
export function variablesOf(
  declarations: Readonly<Record<string, OptionDeclaration>>,
): Readonly<Record<string, EnvironmentVariable>> {
  return Object.assign({}, ...listOptions(declarations).map(([, { env }]) => env ?? {})) as Readonly<
    Record<string, EnvironmentVariable>
  >;
}
