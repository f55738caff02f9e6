import { runClickHouse } from '../../lib/cli/clickhouse-command.js';

describe('nestjs-telemetry clickhouse', () => {
  const variables = { ...process.env };
  beforeEach(() => {
    for (const name of Object.keys(process.env))
      if (name.startsWith('TELEMETRY_CLICKHOUSE_')) Reflect.deleteProperty(process.env, name);
  });
  afterEach(() => {
    process.env = { ...variables };
    jest.restoreAllMocks();
  });

  const print = async (...args: string[]): Promise<string> => {
    let printed = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    expect(await runClickHouse(args)).toBe(0);
    return printed;
  };

  it('prints the statements of the rollups, of the database and with the deletion that are asked for', async () => {
    process.env.TELEMETRY_CLICKHOUSE_DATABASE = 'fleet';
    const printed = await print('init', '--ttl', '30');
    const statements = printed.split(/;\n+/).filter((text) => text !== '');
    expect(
      statements.filter((text) => text.startsWith('CREATE TABLE IF NOT EXISTS `fleet`.`otel_')),
    ).toHaveLength(6);
    expect(
      statements.filter((text) => text.startsWith('CREATE MATERIALIZED VIEW IF NOT EXISTS `fleet`.')),
    ).toHaveLength(5);
    expect(statements.filter((text) => text.includes('INTERVAL 30 DAY'))).toHaveLength(5);
    expect(statements.at(-1)).toMatch(/^INSERT INTO `fleet`.`otel_traces_rollups_v1`/);
  });

  it('prints statements that delete nothing where no age is given', async () => {
    expect(await print('init')).not.toContain('TTL');
  });

  it.each([
    [['start'], 'There is no "clickhouse start"'],
    [['init', '--backfill'], 'add --apply'],
    [['init', '--reset'], 'add --apply'],
    [['init', '--apply'], 'set --clickhouse or TELEMETRY_CLICKHOUSE_URL'],
    [['init', '--ttl', '0.5'], '--ttl must be a whole number of days from 1 to 3650, not "0.5"'],
    [['init', '--ttl', 'soon'], '--ttl must be a number, not "soon"'],
  ])('refuses %j, and says what to do', async (args, message) => {
    await expect(runClickHouse(args)).rejects.toThrow(message);
  });
});
