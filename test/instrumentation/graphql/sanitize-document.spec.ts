import { sanitizeDocument } from '../../../lib/instrumentation/graphql/operation.js';
import { processCpuMs } from '../../support/cpu-time.js';

describe('sanitizeDocument', () => {
  it.each([
    ['strings', '{ user(name: "Ada \\"L\\" #1") { id } }', '{ user(name: *) { id } }'],
    ['block strings', '{ note(text: """he said "no"\n# really""") }', '{ note(text: *) }'],
    [
      'numbers',
      '{ near(lat: -52.5, lng: 1e3, limit: 10) { id } }',
      '{ near(lat: *, lng: *, limit: *) { id } }',
    ],
    ['comments', '{ a # of customer 42\n  b }', '{ a b }'],
    [
      'literals within lists and objects',
      '{ f(in: [1, "x"], o: { k: "v" }) }',
      '{ f(in: [*, *], o: { k: * }) }',
    ],
  ])('takes out %s', (_, source, sanitized) => {
    expect(sanitizeDocument(source)).toBe(sanitized);
  });

  it('leaves names, variables, enums and fragments alone', () => {
    const source = 'query Get2($id1: ID!, $v_2: Int) { line1: order(id: $id1, by: DATE_2) { ...Part3 } }';
    expect(sanitizeDocument(source)).toBe(source);
  });

  it('cuts a long document without letting half a string through', () => {
    const secret = 'secret '.repeat(1_000);
    const sanitized = sanitizeDocument(`{ ${'field '.repeat(300)} note(text: "${secret}") }`);
    expect(sanitized).not.toContain('secret');
    expect(sanitizeDocument(`{ note(text: """${secret}""") }`)).not.toContain('secret');
    expect(sanitizeDocument(`{ ${'field '.repeat(2_000)} }`)).toHaveLength(2_048);
  });

  it('is quick with a document that is made to be slow', () => {
    const before = processCpuMs();
    for (const part of ['"', '"""', '#', '"\\', '1', ' ']) sanitizeDocument(`{ ${part.repeat(100_000)}`);
    expect(processCpuMs() - before).toBeLessThan(500);
  });
});
