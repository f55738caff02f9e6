import { readModelCall } from '../../../../lib/dashboard/panels/trace/view/model-call.js';
import { targetOf } from '../../../../lib/dashboard/panels/trace/view/span-target.js';
import { spanOf } from './span-of.js';

const client = (attributes: Record<string, string | number>, name = 'POST') =>
  targetOf({ kind: 'client', name, attributes: { 'http.request.method': 'POST', ...attributes } });

describe('where an HTTP client’s span went', () => {
  it('is the host and the path of its address, without the query', () => {
    expect(client({ 'url.full': 'http://orchestrator:3001/jobs/7?token=secret#top' })).toBe(
      'orchestrator:3001/jobs/7',
    );
  });

  it('is the template rather than the path where there is one', () => {
    expect(client({ 'url.full': 'https://api.example/users/7', 'url.template': '/users/{id}' })).toBe(
      'api.example/users/{id}',
    );
  });

  it('names the port only where it is not the usual one', () => {
    expect(client({ 'server.address': 'api', 'server.port': 443, 'url.path': '/a' })).toBe('api/a');
    expect(client({ 'server.address': 'api', 'server.port': 8443, 'url.path': '/a' })).toBe('api:8443/a');
  });

  it('keeps a password in the address to itself', () => {
    expect(client({ 'url.full': 'http://user:password@host/a' })).toBe('host/a');
  });

  it('reads what older instrumentations wrote', () => {
    expect(
      targetOf({
        kind: 'client',
        name: 'HTTP GET',
        attributes: { 'http.method': 'GET', 'net.peer.name': 'old', 'http.target': '/b?c=d' },
      }),
    ).toBe('old/b');
  });

  it('is nothing where the name says it, where nothing is known, and for other spans', () => {
    expect(client({ 'url.full': 'http://host/a' }, 'POST /a')).toBeUndefined();
    expect(client({ 'url.full': 'not an address' })).toBeUndefined();
    expect(
      targetOf({ kind: 'client', name: 'GET', attributes: { 'db.system.name': 'redis' } }),
    ).toBeUndefined();
    expect(
      targetOf({
        kind: 'server',
        name: 'GET',
        attributes: { 'http.request.method': 'GET', 'url.path': '/' },
      }),
    ).toBeUndefined();
  });
});

const call = (attributes: Parameters<typeof spanOf>[3] & object) =>
  readModelCall(spanOf('chat', 0, 1, attributes));

describe('a call of a model', () => {
  it('has model, tokens and what ended it', () => {
    const facts = new Map(
      call({
        attributes: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.request.model': 'gpt-5',
          'gen_ai.response.model': 'gpt-5-2026',
          'gen_ai.usage.input_tokens': 1_234,
          'gen_ai.usage.output_tokens': 0,
          'gen_ai.response.finish_reasons': ['stop', 'length'],
          'gen_ai.response.time_to_first_chunk': 0.25,
        },
      })!.facts.map(([name, value]) => [name, value]),
    );
    expect(facts.get('Model')).toBe('gpt-5 → gpt-5-2026');
    expect(facts.get('Tokens in')).toBe('1,234');
    expect(facts.get('Tokens out')).toBe('0');
    expect(facts.get('First chunk after')).toBe('250 ms');
    expect(facts.get('Finished by')).toBe('stop, length');
    expect(facts.get('Tool')).toBeUndefined();
  });

  it('has its messages in the order of the conversation, from attributes as JSON', () => {
    const { messages } = call({
      attributes: {
        'gen_ai.output.messages': JSON.stringify([
          { role: 'assistant', parts: [{ type: 'text', content: 'In Lyon.' }] },
        ]),
        'gen_ai.input.messages': JSON.stringify([
          {
            role: 'user',
            parts: [
              { type: 'text', content: 'Where' },
              { type: 'text', content: 'is it?' },
            ],
          },
          { role: 'assistant', parts: [{ type: 'tool_call', name: 'find', arguments: { id: 1 } }] },
        ]),
        'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: 'Be brief.' }]),
      },
    })!;
    expect(messages).toEqual([
      { role: 'system', text: 'Be brief.' },
      { role: 'user', text: 'Where\nis it?' },
      { role: 'assistant', text: '{"type":"tool_call","name":"find","arguments":{"id":1}}' },
      { role: 'assistant', text: 'In Lyon.' },
    ]);
  });

  it('has its messages from events of older versions', () => {
    const { messages } = call({
      attributes: { 'gen_ai.system': 'openai' },
      events: [
        { name: 'gen_ai.user.message', time: 0, attributes: { content: 'Hello' } },
        { name: 'gen_ai.choice', time: 1, attributes: { message: '{"content":"Hi"}' } },
        { name: 'other', time: 1, attributes: {} },
      ],
    })!;
    expect(messages).toEqual([
      { role: 'user', text: 'Hello' },
      { role: 'assistant', text: 'Hi' },
    ]);
  });

  it('shows text that was cut off as it is, and the last 50 of many messages', () => {
    const cut = '[{"role":"user","parts":[{"content":"So lo';
    expect(call({ attributes: { 'gen_ai.input.messages': cut } })!.messages).toEqual([
      { role: 'user', text: cut },
    ]);
    const many = JSON.stringify(Array.from({ length: 60 }, (_, at) => ({ role: 'user', content: `${at}` })));
    const { messages, left } = call({ attributes: { 'gen_ai.input.messages': many } })!;
    expect([messages.length, messages[0]?.text, left]).toEqual([50, '10', 10]);
  });

  it('is not there for another span', () => {
    expect(call({ attributes: { 'db.system.name': 'postgresql' } })).toBeUndefined();
  });
});
