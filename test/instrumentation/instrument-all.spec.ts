import 'nestjs-telemetry/testing/jest';

import { channel, tracingChannel } from 'node:diagnostics_channel';

import {
  configureTelemetry,
  getTelemetry,
  instrumentAll,
  instrumentMysql,
  instrumentRedis,
  type TelemetryHandle,
} from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

const CHANNELS = [
  'undici:request:create',
  'http.client.request.created',
  'tracing:ioredis:command:start',
  'tracing:node-redis:command:start',
  'tracing:mysql2:query:start',
  'tracing:module.require:end',
];

describe('instrumentAll()', () => {
  let probe: TelemetryProbe;
  let telemetry: TelemetryHandle;
  const subscribed = () => CHANNELS.filter((name) => channel(name).hasSubscribers);

  beforeEach(() => {
    probe = createTelemetryProbe();
    telemetry = configureTelemetry({ ...probe.options, instrumentation: false });
  });
  afterEach(() => telemetry.shutdown());

  it('listens to every client, and its undo leaves nothing behind', () => {
    expect(subscribed()).toEqual([]);
    const undo = instrumentAll();
    expect(subscribed()).toEqual(CHANNELS);
    undo();
    expect(subscribed()).toEqual([]);
  });

  it('leaves a client to the instrumentations that still use it', () => {
    const undoMysql = instrumentMysql();
    const undoAll = instrumentAll();
    undoAll();
    // Versions without channels are patched when they are loaded.
    expect(subscribed()).toEqual(['tracing:mysql2:query:start', 'tracing:module.require:end']);
    undoMysql();
    expect(subscribed()).toEqual([]);
  });

  it('records what a driver announces, once, with a failure before anything was waited for', () => {
    const undo = [instrumentMysql(), instrumentAll(), instrumentRedis()];
    const queries = tracingChannel('mysql2:query');
    const message = {
      query: "SELECT * FROM users WHERE name = 'Ada'",
      database: 'shop',
      serverAddress: 'db',
      serverPort: 3306,
    };
    getTelemetry('test').trace('caller', () => {
      expect(() =>
        queries.traceSync(() => {
          throw new RangeError('not sent');
        }, message),
      ).toThrow('not sent');
    });
    for (const stop of undo) stop();
    expect(probe).toHaveSpan({
      name: 'SELECT users',
      parent: 'caller',
      attributes: { 'db.query.text': 'SELECT * FROM users WHERE name = ?', 'error.type': 'RangeError' },
      times: 1,
    });
  });
});
