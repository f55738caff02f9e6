import { type InstrumentationScope } from '@opentelemetry/core';
import { type Resource } from '@opentelemetry/resources';

import { ByteWriter, varintSize } from './byte-writer.js';
import { encodeAttributes } from './encode-attributes.js';

/** Scopes are class names; one made up per request must not keep its buffer for ever. */
const MAX_IDLE_SECTIONS = 200;

interface Section {
  readonly header: Uint8Array;
  readonly items: ByteWriter;
  readonly footer: Uint8Array;
}

/**
 * Collects encoded items by instrumentation scope and puts them together as one export request. Traces and logs have the
 * same frame: a resource, scopes below it, items below these, with the same numbers.
 */
export class RequestBuilder {
  private readonly sections = new Map<InstrumentationScope, Section>();
  private resource: Resource | undefined;
  private items = 0;

  /** Items since the last request. */
  get count(): number {
    return this.items;
  }

  /** Bytes since the last request, without the frame. */
  get length(): number {
    let length = 0;
    for (const { items } of this.sections.values()) length += items.length;
    return length;
  }

  /** Where the next item of that scope is written; count it with `added()`. */
  writerFor(scope: InstrumentationScope, resource: Resource): ByteWriter {
    this.resource = resource;
    let section = this.sections.get(scope);
    if (section === undefined) {
      section = createSection(scope);
      this.sections.set(scope, section);
    }
    return section.items;
  }

  added(): void {
    this.items += 1;
  }

  /** The request of everything since the last one; begins the next. */
  build(): Uint8Array {
    const used = [...this.sections.values()].filter(({ items }) => items.length > 0);
    const head = encodeResource(this.resource);
    const foot = encodeSchemaUrl(this.resource?.schemaUrl);
    const bodyLength = used.reduce(
      (sum, section) => sum + framed(sectionLength(section)),
      head.length + foot.length,
    );
    const request = Buffer.allocUnsafeSlow(framed(bodyLength));
    let at = writeFrame(request, 0, 0x0a, bodyLength);
    request.set(head, at);
    at += head.length;
    for (const section of used) {
      at = writeFrame(request, at, 0x12, sectionLength(section));
      request.set(section.header, at);
      at = section.items.copyTo(request, at + section.header.length);
      request.set(section.footer, at);
      at += section.footer.length;
      section.items.truncate(0);
    }
    request.set(foot, at);
    this.items = 0;
    if (this.sections.size > MAX_IDLE_SECTIONS) this.sections.clear();
    return request;
  }
}

function createSection(scope: InstrumentationScope): Section {
  const header = new ByteWriter();
  header.byte(0x0a);
  const start = header.open(1);
  header.byte(0x0a);
  header.text(scope.name);
  if (scope.version !== undefined && scope.version !== '') {
    header.byte(0x12);
    header.text(scope.version);
  }
  header.close(start, 1);
  return {
    header: Uint8Array.from(header.view()),
    items: new ByteWriter(),
    footer: encodeSchemaUrl(scope.schemaUrl),
  };
}

/** A process has one resource, which does not change once its attributes are known. */
const encodedResources = new WeakMap<Resource, Uint8Array>();

function encodeResource(resource: Resource | undefined): Uint8Array {
  const known = resource && encodedResources.get(resource);
  if (known !== undefined) return known;
  const writer = new ByteWriter();
  writer.byte(0x0a);
  const start = writer.open(2);
  encodeAttributes(writer, 0x0a, resource?.attributes ?? {});
  writer.close(start, 2);
  const bytes = Uint8Array.from(writer.view());
  if (resource !== undefined && resource.asyncAttributesPending !== true)
    encodedResources.set(resource, bytes);
  return bytes;
}

function encodeSchemaUrl(url: string | undefined): Uint8Array {
  if (url === undefined || url === '') return new Uint8Array();
  const writer = new ByteWriter();
  writer.byte(0x1a);
  writer.text(url);
  return Uint8Array.from(writer.view());
}

function sectionLength({ header, items, footer }: Section): number {
  return header.length + items.length + footer.length;
}

/** Length of a message with its tag and its length. */
function framed(length: number): number {
  return 1 + varintSize(length) + length;
}

function writeFrame(target: Uint8Array, position: number, tag: number, length: number): number {
  let at = position;
  target[at++] = tag;
  let rest = length;
  for (; rest >= 0x80; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80;
  target[at++] = rest;
  return at;
}
