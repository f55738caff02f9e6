import { isRecord, suggestName } from '../../config/option-rules.js';

/** Something in a configuration file that has no effect: where it is, and what to do. */
export interface FileProblem {
  /** For example `tracer_provider.processors[0].batch`. */
  readonly path: string;
  /** One sentence or two. */
  readonly remedy: string;
  /** Whether nothing here knows the key; else what is under it cannot be used. */
  readonly isUnknownKey: boolean;
}

/**
 * One place of a configuration file. It remembers which keys were asked for, so that every key that
 * nothing asks for is reported as one without effect: also one that a later schema adds.
 */
export class ConfigNode {
  private readonly asked = new Map<string, ConfigNode>();
  /** Keys that are known here, for suggestions. */
  private readonly known = new Set<string>();
  private readonly elements: readonly ConfigNode[];
  private remedy: string | undefined;
  private isWhole = false;

  constructor(
    private readonly value: unknown,
    readonly path = '',
  ) {
    this.elements = Array.isArray(value)
      ? value.map((entry: unknown, index) => new ConfigNode(entry, `${path}[${index}]`))
      : [];
  }

  /** Whether the key is there, also without a value: `otlp_http:` alone means its defaults. */
  has(key: string): boolean {
    this.known.add(key);
    return isRecord(this.value) && this.value[key] !== undefined;
  }

  /** What is under the key; a node without a value where it is missing. */
  at(key: string): ConfigNode {
    this.known.add(key);
    const before = this.asked.get(key);
    if (before !== undefined) return before;
    const value = isRecord(this.value) ? this.value[key] : undefined;
    const node = new ConfigNode(value, this.path === '' ? key : `${this.path}.${key}`);
    this.asked.set(key, node);
    return node;
  }

  /** The entries of a list; none where it is no list. */
  list(): readonly ConfigNode[] {
    return this.elements;
  }

  /** The texts of a list. */
  texts(): string[] {
    return this.elements.map((element) => element.text()).filter((text) => text !== undefined);
  }

  /** The key of an object that has one, which chooses a kind of component, and what is under it. */
  choice(): readonly [kind: string, settings: ConfigNode] | undefined {
    const [kind] = isRecord(this.value) ? Object.keys(this.value) : [];
    return kind === undefined ? undefined : [kind, this.at(kind)];
  }

  text(): string | undefined {
    return typeof this.value === 'string' && this.value.trim() !== '' ? this.value.trim() : undefined;
  }

  number(): number | undefined {
    return typeof this.value === 'number' ? this.value : undefined;
  }

  flag(): boolean | undefined {
    return typeof this.value === 'boolean' ? this.value : undefined;
  }

  /** The value as it is; nothing in it is reported. */
  raw(): unknown {
    this.isWhole = true;
    return this.value;
  }

  /** Reports this place, and nothing in it. */
  refuse(remedy: string): void {
    this.remedy = remedy;
  }

  /** What was refused, and the keys that nothing has asked for, in the order of the file. */
  problems(): FileProblem[] {
    if (this.remedy !== undefined) return [{ path: this.path, remedy: this.remedy, isUnknownKey: false }];
    if (this.isWhole) return [];
    const inLists = this.elements.flatMap((element) => element.problems());
    if (!isRecord(this.value)) return inLists;
    return Object.keys(this.value).flatMap((key) => this.asked.get(key)?.problems() ?? this.describe(key));
  }

  private describe(key: string): FileProblem[] {
    const path = this.path === '' ? key : `${this.path}.${key}`;
    const meant = suggestName(key, [...this.known]);
    const remedy = meant === undefined ? 'It is not supported here.' : `Did you mean ${meant}?`;
    return [{ path, remedy, isUnknownKey: true }];
  }
}
