import { type AnyValue, type Attributes } from '@opentelemetry/api';
import { cleanAttributes } from '@opentelemetry/core';

/** How many attributes a span, an event or a link may have, and how long their texts may be. */
export interface AttributeLimits {
  readonly count: number;
  /** Characters of a text; Infinity for no limit. */
  readonly valueLength: number;
}

/**
 * The attributes of one span, event or link, as `[key, value, key, value, …]`. Written often and read at most once, when
 * they are encoded: an object with a hidden class per combination of keys would cost more than looking through a short list.
 */
export class AttributeList {
  /** A frozen object given at the start; whoever encodes it may keep the result by its identity. */
  base: Readonly<Attributes> | undefined;
  readonly entries: AnyValue[] = [];
  /** How many were refused, because they are too many or not what an attribute can be. */
  dropped = 0;
  private baseSize = 0;

  constructor(private readonly limits: AttributeLimits) {}

  get size(): number {
    return this.baseSize + this.entries.length / 2;
  }

  /** Takes all of a record; a frozen one of plain values is kept as it is when it is the first. */
  setAll(attributes: Readonly<Attributes>): void {
    if (this.base === undefined && this.entries.length === 0 && this.takeBase(attributes)) return;
    for (const key in attributes) {
      // About the key of a loop the engine knows the answer; `Object.hasOwn()` it would call.
      if (Object.prototype.hasOwnProperty.call(attributes, key)) this.set(key, attributes[key]);
    }
  }

  set(key: string, value: AnyValue): void {
    if (value === undefined) return;
    const { entries } = this;
    if (this.base !== undefined && Object.hasOwn(this.base, key)) this.unfoldBase();
    let index = 0;
    while (index < entries.length && entries[index] !== key) index += 2;
    if (index === entries.length && this.size >= this.limits.count) {
      this.dropped += 1;
      return;
    }
    const kept = keep(key, value, this.limits.valueLength);
    if (kept === undefined) {
      this.dropped += 1;
      return;
    }
    entries[index] = key;
    entries[index + 1] = kept;
  }

  toAttributes(): Attributes {
    const attributes: Attributes = { ...this.base };
    const { entries } = this;
    for (let index = 0; index < entries.length; index += 2)
      attributes[entries[index] as string] = entries[index + 1];
    return attributes;
  }

  private takeBase(attributes: Readonly<Attributes>): boolean {
    if (!Object.isFrozen(attributes)) return false;
    let size = plainSizes.get(attributes);
    if (size === undefined) {
      size = plainSize(attributes);
      plainSizes.set(attributes, size);
    }
    // A limit on texts would have to look at each of them.
    if (size < 0 || size > this.limits.count || this.limits.valueLength !== Infinity) return false;
    this.base = attributes;
    this.baseSize = size;
    return true;
  }

  /** One of the frozen ones is overwritten: from here on they are entries like the others, in front of them. */
  private unfoldBase(): void {
    const { base } = this;
    this.base = undefined;
    this.baseSize = 0;
    const unfolded: AnyValue[] = [];
    for (const key in base) unfolded.push(key, base[key]);
    this.entries.unshift(...unfolded);
  }
}

/** Number of attributes of a frozen object of plain values, or -1 for one that must be looked at each time. */
const plainSizes = new WeakMap<object, number>();

function plainSize(attributes: Readonly<Attributes>): number {
  const keys = Object.keys(attributes);
  return keys.every((key) => key !== '' && isPlain(attributes[key])) ? keys.length : -1;
}

function isPlain(value: unknown): boolean {
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'boolean';
}

/** The value as it is kept: texts cut, arrays and objects copied; undefined for what no attribute can be. */
function keep(key: string, value: AnyValue, valueLength: number): AnyValue {
  if (key !== '') {
    if (typeof value === 'string') return value.length <= valueLength ? value : value.slice(0, valueLength);
    if (isPlain(value)) return value;
  }
  // Rare kinds and wrong ones as the SDK treats them, with its warnings.
  const limits = { attributeCountLimit: 1, attributeValueLengthLimit: valueLength };
  return cleanAttributes({ [key]: value }, limits).attributes?.[key];
}
