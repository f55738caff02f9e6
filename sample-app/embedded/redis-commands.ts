import { type ExpiringMap } from './expiring-map.js';
import { resp } from './resp-protocol.js';

/** What the server knows of one connection. */
export interface RedisSession {
  version: 2 | 3;
  readonly values: ExpiringMap;
}

type Handler = (session: RedisSession, args: readonly string[]) => string;

const INFO = '# Server\r\nredis_version:7.4.0\r\nredis_mode:standalone\r\n# Persistence\r\nloading:0\r\n';

/** The part of Redis a cache needs. */
const HANDLERS: Readonly<Record<string, Handler>> = {
  HELLO: (session, [version]) => {
    if (version !== undefined && version !== '2' && version !== '3')
      return '-NOPROTO unsupported protocol version\r\n';
    if (version !== undefined) session.version = version === '3' ? 3 : 2;
    return resp.map(session.version, [
      ['server', resp.bulk('redis')],
      ['version', resp.bulk('7.4.0')],
      ['proto', resp.integer(session.version)],
      ['mode', resp.bulk('standalone')],
      ['role', resp.bulk('master')],
    ]);
  },
  CLIENT: () => resp.simple('OK'),
  SELECT: () => resp.simple('OK'),
  INFO: () => resp.bulk(INFO),
  PING: (_, [text]) => (text === undefined ? resp.simple('PONG') : resp.bulk(text)),
  GET: ({ values, version }, [key = '']) => {
    const value = values.get(key);
    return value === undefined ? resp.nothing(version) : resp.bulk(value);
  },
  SET: ({ values }, [key, value, unit, amount]) => {
    if (key === undefined || value === undefined)
      return resp.error("wrong number of arguments for 'set' command");
    const lifetimeMs = readLifetime(unit, amount);
    if (lifetimeMs === undefined) return resp.error('syntax error');
    values.set(key, value, lifetimeMs);
    return resp.simple('OK');
  },
  DEL: ({ values }, keys) => resp.integer(keys.filter((key) => values.delete(key)).length),
};

/** The answer to one command, as it goes over the wire. */
export function answerCommand(session: RedisSession, [name = '', ...args]: readonly string[]): string {
  const handler = HANDLERS[name.toUpperCase()];
  return handler === undefined ? resp.error(`unknown command '${name}'`) : handler(session, args);
}

function readLifetime(unit: string | undefined, amount: string | undefined): number | undefined {
  if (unit === undefined) return Infinity;
  const lifetime = Number(amount);
  if (!(lifetime > 0)) return undefined;
  if (unit.toUpperCase() === 'EX') return lifetime * 1_000;
  return unit.toUpperCase() === 'PX' ? lifetime : undefined;
}
