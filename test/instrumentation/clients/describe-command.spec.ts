import { describeMongodbCommand } from '../../../lib/instrumentation/clients/mongodb/instrument-mongodb.js';
import {
  describeCommand,
  isBlockingCommand,
} from '../../../lib/instrumentation/clients/redis/record-command.js';

describe('describeCommand() of Redis', () => {
  it.each([
    ['get', ['user:1'], 'GET user:1'],
    ['SET', ['user:1', 'secret', 'EX', 60], 'SET user:1 ? ? ?'],
    ['DEL', ['a', 'b'], 'DEL a b'],
    ['HSET', ['user:1', 'email', 'a@b.c'], 'HSET user:1 ? ?'],
    ['AUTH', ['user', 'password'], 'AUTH ? ?'],
    ['CONFIG', ['SET', 'requirepass', 'secret'], 'CONFIG SET ? ?'],
    ['EVALSHA', ['e0e1f9', 2, 'k1', 'k2', 'secret'], 'EVALSHA ? 2 k1 k2 ?'],
    ['GET', [Buffer.from('user:1')], 'GET user:1'],
    ['PING', [], 'PING'],
  ])('writes %s %j as %j', (command, args, text) => {
    expect(describeCommand(command, args)).toBe(text);
  });

  it('bounds the text of a huge command', () => {
    const keys = Array.from({ length: 10_000 }, (_, index) => `key:${index}`);
    expect(describeCommand('DEL', keys).length).toBeLessThanOrEqual(1024);
  });

  it('knows which commands wait for something to come', () => {
    expect(isBlockingCommand('bzpopmin', ['queue', 5])).toBe(true);
    expect(isBlockingCommand('XREADGROUP', ['GROUP', 'g', 'c', 'BLOCK', '0', 'STREAMS', 's', '>'])).toBe(
      true,
    );
    expect(isBlockingCommand('XREAD', ['STREAMS', 's', '0'])).toBe(false);
    expect(isBlockingCommand('GET', ['a'])).toBe(false);
  });
});

describe('describeMongodbCommand()', () => {
  const shape = (command: Record<string, unknown>, name: string): unknown =>
    JSON.parse(describeMongodbCommand(command, name, 'users'));

  it('keeps fields and operators and replaces every value', () => {
    const filter = {
      name: 'Ada',
      tags: { $in: ['a', 'b'] },
      $or: [{ age: { $gt: 3 } }, { born: new Date() }],
    };
    expect(shape({ find: 'users', filter, lsid: { id: 'session' } }, 'find')).toEqual({
      find: 'users',
      filter: { name: '?', tags: { $in: '?' }, $or: [{ age: { $gt: '?' } }, { born: '?' }] },
    });
  });

  it('keeps the stages of a pipeline', () => {
    const pipeline = [{ $match: { status: 'A' } }, { $group: { _id: '$cust', total: { $sum: '$amount' } } }];
    expect(shape({ aggregate: 'users', pipeline, cursor: {} }, 'aggregate')).toEqual({
      aggregate: 'users',
      pipeline: [{ $match: { status: '?' } }, { $group: { _id: '?', total: { $sum: '?' } } }],
    });
  });

  it('shows nothing of documents to insert', () => {
    expect(shape({ insert: 'users', documents: [{ secret: 1 }], ordered: true }, 'insert')).toEqual({
      insert: 'users',
    });
  });

  it('ends with a document that contains itself, and bounds a huge one', () => {
    const endless: Record<string, unknown> = {};
    endless.self = endless;
    expect(describeMongodbCommand({ find: 'users', filter: endless }, 'find', 'users').length).toBeLessThan(
      300,
    );
    const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field${index}`, index]));
    expect(
      describeMongodbCommand({ find: 'users', filter: wide }, 'find', 'users').length,
    ).toBeLessThanOrEqual(2048);
  });
});
