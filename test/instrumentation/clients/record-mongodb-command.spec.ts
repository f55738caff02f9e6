import { configureTelemetry, getTelemetry } from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

import {
  recordCommand,
  type SendMongodbCommand,
} from '../../../lib/instrumentation/clients/mongodb/instrument-mongodb.js';

const CONNECTION = { address: '127.0.0.1:27017' };
const NAMESPACE = { db: 'shop' };
const COMMAND = { find: 'users' };

describe('the fourth argument of a command of mongodb', () => {
  const probe: TelemetryProbe = createTelemetryProbe();
  const running = configureTelemetry({ ...probe.options, instrumentation: false });
  beforeEach(() => {
    probe.reset();
  });
  afterAll(() => running.shutdown());

  const below = <T>(fn: () => T): T => getTelemetry('test').trace('request', fn);

  it('is passed on as it is where it is the class of the answer, as from 6.6 on', async () => {
    class CursorResponse {
      readonly id = 0;
    }
    class MongoDBResponse extends CursorResponse {
      static make(): MongoDBResponse {
        return new MongoDBResponse();
      }
    }
    for (const Answer of [CursorResponse, MongoDBResponse]) {
      const send = jest.fn(() => Promise.resolve({ ok: 1 })) as jest.Mock & SendMongodbCommand;
      const answer = below(() => recordCommand(CONNECTION, send, [NAMESPACE, COMMAND, {}, Answer]));
      expect(await answer).toEqual({ ok: 1 });
      expect(send.mock.calls).toEqual([[NAMESPACE, COMMAND, {}, Answer]]);
    }
    expect(probe.spans().filter(({ name }) => name === 'find users')).toHaveLength(2);
  });

  type Callback = (error: unknown, response: unknown) => unknown;

  it.each<[string, (callback: Callback) => Callback]>([
    ['an arrow function', (callback) => (error, response) => callback(error, response)],
    [
      'a function',
      (callback) =>
        function (error, response) {
          return callback(error, response);
        },
    ],
  ])('ends the span when it is called where it is %s, as before 6.2', (_, callbackOf) => {
    const callback = jest.fn();
    const send: SendMongodbCommand = (_namespace, _command, ...rest) => {
      (rest[1] as (error: unknown, response: unknown) => void)(undefined, { ok: 1 });
    };
    below(() => recordCommand(CONNECTION, send, [NAMESPACE, COMMAND, {}, callbackOf(callback)]));
    expect(callback.mock.calls).toEqual([[undefined, { ok: 1 }]]);
    expect(probe.spans().map(({ name }) => name)).toEqual(['find users', 'request']);
  });
});
