/** Takes one wrong value: its dotted name, the value as a human may see it, and what to write instead. */
export type ReportProblem = (name: string, received: string, remedy: string) => void;

/** What a value must be; every way in which it is not is reported. Values that are undefined never get here. */
export interface OptionRule {
  readonly check: (value: unknown, name: string, report: ReportProblem) => void;
  /** Rules of the options inside, when the value may be an object of options. */
  readonly fields?: Readonly<Record<string, OptionRule>>;
}

/** One rule per option, none forgotten. */
export type RulesOf<T> = { readonly [K in keyof Required<T>]: OptionRule };
