import { targetOf } from '../../../../lib/dashboard/panels/trace/view/span-target.js';

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
