import { SpanStatusCode } from '@opentelemetry/api';
import * as mongodb from 'mongodb';
import mongoose, { Schema } from 'mongoose';
import { instrumentMongodb } from 'nestjs-telemetry';

import { describeWith } from './backend-processes.js';
import { FerretdbServer } from './ferretdb-server.js';
import { ObservedCalls } from './observed-calls.js';

describeWith('ferretdb', 'clients of a real FerretDB', (binary) => {
  let server: FerretdbServer;
  let calls: ObservedCalls;
  let client: mongodb.MongoClient;
  let users: mongodb.Collection;
  let undo: () => void;
  beforeAll(async () => {
    server = await FerretdbServer.start(binary);
    calls = ObservedCalls.start(undefined, { mongodb: false });
    undo = instrumentMongodb(mongodb);
    client = new mongodb.MongoClient(server.url);
    users = client.db('shop').collection('users');
    await users.createIndex({ email: 1 }, { unique: true }, {});
    await users.insertMany([
      { email: 'ada@example.com', age: 36 },
      { email: 'grace@example.com', age: 85 },
      { email: 'linus@example.com', age: 56 },
    ]);
  });
  afterAll(async () => {
    undo();
    await client.close();
    await calls.stop();
    await server.stop();
  });

  it('gives a command one span with the shape of its filter and none of its values, and measures it', async () => {
    const before = await calls.measured({ 'db.operation.name': 'find' });
    const [find, ...others] = await calls.below(() =>
      users.findOne({ email: 'ada@example.com', age: { $gt: 30, $in: [36, 37] } }),
    );
    expect(others).toEqual([]);
    expect(find!.name).toBe('find users');
    expect(find!.attributes).toEqual({
      'db.system.name': 'mongodb',
      'db.operation.name': 'find',
      'db.collection.name': 'users',
      'db.namespace': 'shop',
      'db.query.summary': 'find users',
      'db.query.text': '{"find":"users","filter":{"email":"?","age":{"$gt":"?","$in":"?"}}}',
      'server.address': '127.0.0.1',
      'server.port': server.port,
    });
    expect(await calls.measured({ 'db.operation.name': 'find' })).toBe(before + 1);
  });

  it('shows neither documents that are written nor what they are changed to', async () => {
    const spans = await calls.below(async () => {
      await users.insertOne({ email: 'new@example.com', secret: 's3cret' });
      await users.updateOne({ email: 'new@example.com' }, { $set: { secret: 'other' } });
      await users.deleteOne({ email: 'new@example.com' });
    });
    expect(spans.map(({ attributes }) => attributes['db.query.text'])).toEqual([
      '{"insert":"users"}',
      '{"update":"users","updates":[{"q":{"email":"?"},"u":{"$set":{"secret":"?"}}}]}',
      '{"delete":"users","deletes":[{"q":{"email":"?"},"limit":"?"}]}',
    ]);
  });

  it('gives each batch of a cursor a span', async () => {
    const names = await calls.namesBelow(async () => {
      expect(await users.find({}, { batchSize: 2 }).toArray()).toHaveLength(3);
    });
    expect(names).toEqual(['find users', 'getMore users']);
  });

  it('records a write that the server refuses', async () => {
    const [insert] = await calls.below(() =>
      expect(users.insertOne({ email: 'ada@example.com' })).rejects.toThrow('E11000'),
    );
    expect(insert!.status.code).toBe(SpanStatusCode.ERROR);
    expect(insert!.attributes['db.response.status_code']).toBe('11000');
  });

  it('records the error of a command and its code', async () => {
    const [command] = await calls.below(() =>
      expect(client.db('shop').command({ nosuchcommand: 1 })).rejects.toThrow(),
    );
    expect(command!.name).toBe('nosuchcommand');
    expect(command!.attributes['db.response.status_code']).toBe('59');
  });

  it('leaves out the commands that the driver sends by itself', async () => {
    const names = await calls.namesBelow(async () => {
      const another = new mongodb.MongoClient(server.url);
      await another.connect();
      await another.db('shop').collection('users').estimatedDocumentCount();
      await another.close();
    });
    expect(names).toEqual(['count users']);
  });

  it('records what Mongoose does, with its own copy of the driver', async () => {
    const undoMongoose = instrumentMongodb(mongoose.mongo);
    const connection = await mongoose.createConnection(server.url).asPromise();
    const Order = connection.model('Order', new Schema({ amount: Number, customer: String }));
    await Order.init();
    const spans = await calls.below(async () => {
      await Order.create({ amount: 5, customer: 'Ada' });
      await Order.find({ customer: 'Ada', amount: { $gte: 1 } }).lean();
    });
    await connection.close();
    undoMongoose();
    expect(spans.map(({ name }) => name)).toEqual(['insert orders', 'find orders']);
    expect(spans[1]!.attributes['db.query.text']).toBe(
      '{"find":"orders","filter":{"customer":"?","amount":{"$gte":"?"}}}',
    );
  });

  it('does nothing once undone', async () => {
    undo();
    expect(await calls.namesBelow(() => users.findOne({}))).toEqual([]);
    undo = instrumentMongodb(mongodb);
  });
});
