import { type RecordedSpan } from './recorded-span.interface.js';

/** Attributes that tell the reader of a waterfall most; all of them are in the JSON form. */
const SHOWN = ['table', 'op', 'job_id', 'http.response.status_code', 'db.query.text', 'db.statement'];
const LONGEST_VALUE = 60;

/** A few words on one span: what it worked on, how it ended, what was logged in it. */
export function describeSpan(span: RecordedSpan): string {
  const words = SHOWN.filter((name) => span.attributes[name] !== undefined).map(
    (name) => `${name.split('.').at(-1) ?? name}=${shorten(String(span.attributes[name]))}`,
  );
  if (span.error !== undefined) words.push(`FAILED: ${shorten(span.error)}`);
  for (const { attributes } of span.events) {
    const { 'log.severity': severity, 'log.message': message } = attributes;
    if (typeof message === 'string') words.push(`[${String(severity)} ${shorten(message)}]`);
  }
  return words.join(' ');
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > LONGEST_VALUE ? `${line.slice(0, LONGEST_VALUE - 1)}…` : line;
}
