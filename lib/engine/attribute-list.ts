import { types } from 'node:util';

import { type AnyValue, type Attributes } from '@opentelemetry/api';

import { redaction } from '../redaction/active-redaction.js';
import { isPlainValue, readEntries, toAttributeValue, warnSkipped } from './attribute-value.js';
import { setOwn } from './copy-bounded.js';

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
  /** A frozen object given at the start; an encoder may cache its bytes by identity. */
  base: Readonly<Attributes> | undefined;
  readonly entries: AnyValue[] = [];
  /** How many were refused, because they are too many or not what an attribute can be. */
  dropped = 0;
  private baseSize = 0;

  constructor(private readonly limits: AttributeLimits) {}

  get size(): number {
    return this.baseSize + this.entries.length / 2;
  }

  /** Takes all of a record; a frozen one of plain values is kept as it is when it is the first. Never throws. */
  setAll(attributes: Readonly<Attributes>): void {
    if (typeof attributes !== 'object') {
      this.setUnreadable(attributes);
      return;
    }
    try {
      if (this.base === undefined && this.entries.length === 0 && this.takeBase(attributes)) return;
      let left = MAX_KEYS;
      for (const key in attributes) {
        left -= 1;
        // Many keys: each is compared with those that are kept.
        if (left < 0) this.dropped += 1;
        // V8 answers hasOwnProperty() for a for-in key from the hidden class; `Object.hasOwn()` is a real call.
        else if (Object.prototype.hasOwnProperty.call(attributes, key)) this.set(key, attributes[key]);
      }
    } catch {
      // A getter threw: the other attributes are worth keeping.
      this.setUnreadable(attributes);
    }
  }

  /** Takes all of a record of texts, numbers and booleans without secrets. Only for a list that is empty. */
  takeRedacted(attributes: Readonly<Attributes>): void {
    const { entries } = this;
    const { count, valueLength } = this.limits;
    for (const key in attributes) {
      const value = attributes[key];
      if (key === '') this.skip(key, value);
      else if (entries.length >= count * 2) this.dropped += 1;
      else
        entries.push(
          key,
          typeof value === 'string' && value.length > valueLength ? value.slice(0, valueLength) : value,
        );
    }
  }

  set(key: string, value: AnyValue): void {
    if (value === undefined) return;
    if (typeof key !== 'string' || key === '') {
      this.skip(key, value);
      return;
    }
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
      this.skip(key, value);
      return;
    }
    entries[index] = key;
    entries[index + 1] = kept;
  }

  toAttributes(): Attributes {
    const attributes: Attributes = { ...this.base };
    const { entries } = this;
    for (let index = 0; index < entries.length; index += 2)
      setOwn(attributes, entries[index] as string, entries[index + 1]);
    return attributes;
  }

  private skip(key: unknown, value: unknown): void {
    warnSkipped('a span', key, value);
    this.dropped += 1;
  }

  private setUnreadable(attributes: unknown): void {
    for (const [key, value] of readEntries(attributes, MAX_KEYS, 'a span')) this.set(key, value);
  }

  private takeBase(attributes: Readonly<Attributes>): boolean {
    const shapes = plainShapesNow();
    let shape = shapes.get(attributes);
    if (shape === undefined) {
      // V8 looks at each property for the answer, so it is asked once.
      if (!Object.isFrozen(attributes)) return false;
      shape = plainShape(attributes);
      shapes.set(attributes, shape);
    }
    const { size, longest } = shape;
    if (size < 0 || size > this.limits.count || longest > this.limits.valueLength) return false;
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

/** Keys of one record that are looked at. */
const MAX_KEYS = 1_000;

/** What is known of a frozen object. */
interface PlainShape {
  /** Number of attributes where all are plain values, or -1 where they must be looked at each time. */
  readonly size: number;
  /** Characters of the longest text. */
  readonly longest: number;
}

let plainShapes = new WeakMap<object, PlainShape>();
/** The policy that found no secret in them. */
let shapesBelongTo = redaction();

function plainShapesNow(): WeakMap<object, PlainShape> {
  const policy = redaction();
  if (policy !== shapesBelongTo) {
    shapesBelongTo = policy;
    plainShapes = new WeakMap();
  }
  return plainShapes;
}

const NOT_PLAIN: PlainShape = { size: -1, longest: 0 };

function plainShape(attributes: Readonly<Attributes>): PlainShape {
  // The target of a frozen proxy is frozen, but its traps may still throw.
  if (types.isProxy(attributes)) return NOT_PLAIN;
  const keys = Object.keys(attributes);
  const plain = keys.every((key) => key !== '' && key !== '__proto__' && isPlainData(attributes, key));
  if (!plain || redaction().attributes(attributes) !== attributes) return NOT_PLAIN;
  const lengths = keys.map((key) => {
    const value = attributes[key];
    return typeof value === 'string' ? value.length : 0;
  });
  return { size: keys.length, longest: Math.max(0, ...lengths) };
}

/** A getter may return something else each time it is asked. */
function isPlainData(attributes: Readonly<Attributes>, key: string): boolean {
  return isPlainValue(Object.getOwnPropertyDescriptor(attributes, key)?.value);
}

/** The value as it is kept: without secrets, texts cut, arrays and objects copied; undefined for what no attribute can be. */
function keep(key: string, value: AnyValue, valueLength: number): AnyValue {
  if (typeof value === 'string') {
    // Before it is cut: half of a secret is not recognised.
    const text = redaction().attribute(key, value);
    return text.length <= valueLength ? text : text.slice(0, valueLength);
  }
  const plain = isPlainValue(value) ? value : toAttributeValue(value, valueLength);
  return redaction().attribute(key, plain);
}
