/** Runs in a jest and in a vitest project outside of the repository: scripts/check-test-kit.mjs. Both have these functions as globals. */
import { Injectable, Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { type Attributes, SpanKind, trace } from '@opentelemetry/api';
import { getTelemetry, Trace } from 'nestjs-telemetry';
import { TelemetryProbe, TelemetryTestingModule } from 'nestjs-telemetry/testing';

@Injectable()
class Orders {
  private readonly logger = new Logger('Orders');

  @Trace()
  list(ids: readonly number[]): void {
    this.logger.log('listed');
    getTelemetry('Orders').counter('orders.listed').add(1, { shop: 'a' });
    for (const id of ids) this.query(`SELECT * FROM items WHERE order_id = ${id}`);
  }

  private query(statement: string): void {
    const attributes: Attributes = { 'db.system.name': 'postgresql', 'db.query.text': statement };
    trace.getTracer('pg').startSpan('pg.query', { kind: SpanKind.CLIENT, attributes }).end();
  }
}

function createTesting(): Promise<TestingModule> {
  return Test.createTestingModule({
    imports: [TelemetryTestingModule.register()],
    providers: [Orders],
  }).compile();
}

describe('the kit for tests', () => {
  let testing: TestingModule;
  let probe: TelemetryProbe;

  beforeEach(async () => {
    testing = await createTesting();
    probe = testing.get(TelemetryProbe);
  });
  afterEach(() => testing.close());

  it('passes where everything is as expected', async () => {
    testing.get(Orders).list([1, 2]);
    await probe.settled();
    expect(probe).toHaveSpan('Orders.list');
    expect(probe).toHaveSpan({
      name: /^pg/,
      kind: 'client',
      parent: 'Orders.list',
      status: 'unset',
      attributes: { 'db.query.text': expect.stringMatching(/^SELECT/) as unknown },
      times: 2,
    });
    expect(probe).not.toHaveSpan({ name: 'Orders.list', status: 'error' });
    await expect(probe).toHaveRecorded('orders.listed', { value: 1, attributes: { shop: 'a' } });
    await expect(probe).not.toHaveRecorded('orders.listed', { value: 2 });
    expect(probe).toHaveLogged({ msg: 'listed', level: 'info' });
    expect(probe).not.toHaveLogged('lost');
    expect(probe).toHaveNoRepeatedQueries();
    expect(probe).not.toHaveNoRepeatedQueries({ times: 2 });
    expect(probe).toStayWithin({ queries: 2, spans: 3, ms: 60_000 });
    expect(probe).not.toStayWithin({ queries: 1 });
    expect(probe).toMatchSnapshot();
  });

  it('sees nothing of the test before', async () => {
    expect(probe.traceTree()).toBe('');
    await expect(probe).not.toHaveRecorded('orders.listed');
  });
});

// The script asks for these, and reads the messages.
(process.env.KIT_FAILS === 'true' ? describe : describe.skip)('the kit for tests, where it must fail', () => {
  let testing: TestingModule;
  let probe: TelemetryProbe;

  beforeEach(async () => {
    testing = await createTesting();
    probe = testing.get(TelemetryProbe);
    testing.get(Orders).list([1, 2, 3]);
  });
  afterEach(() => testing.close());

  it('names the nearest span', () => {
    expect(probe).toHaveSpan({ name: 'Order.list', status: 'error' });
  });
  it('lists the series', async () => {
    await expect(probe).toHaveRecorded('orders.listed', { value: 7 });
  });
  it('lists the lines', () => {
    expect(probe).toHaveLogged('lists');
  });
  it('names the query in a loop', () => {
    expect(probe).toHaveNoRepeatedQueries();
  });
  it('counts the queries', () => {
    expect(probe).toStayWithin({ queries: 1 });
  });
  it('names the option that was meant', () => {
    expect(probe).toHaveSpan({ atributes: {} } as never);
  });
});
