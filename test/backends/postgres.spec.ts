import { describeWith, poll } from './backend-processes.js';
import { PostgresServer } from './postgres-server.js';
import { SampleSystem } from './sample-system.js';

describeWith('postgres', 'a real PostgreSQL behind the sample system', (binaries) => {
  let server: PostgresServer;
  let system: SampleSystem;
  beforeAll(async () => {
    server = await PostgresServer.start(binaries);
    system = await SampleSystem.start({ DATABASE_URL: server.url });
  });
  afterAll(async () => {
    await system.stop();
    await server.stop();
  });

  it('holds the users that requests are made for', async () => {
    const users = await server.query('SELECT id FROM users ORDER BY id');
    expect(users).toEqual([{ id: 'ada' }, { id: 'grace' }, { id: 'linus' }]);
  });

  it('gets the result of a job, which the worker reads back', async () => {
    const { status, body } = await system.process({ text: 'four little words here', userId: 'grace' });
    expect(status).toBe(200);
    const rows = await poll('the result of the job', async () => {
      const found = await server.query('SELECT user_id, summary FROM results WHERE job_id = $1', [
        body.jobId,
      ]);
      return found.length > 0 && found;
    });
    const read = await fetch(`${system.worker}/jobs/${body.jobId!}`);
    expect(rows).toEqual([{ user_id: 'grace', summary: expect.stringContaining('Grace heard') as string }]);
    expect(await read.json()).toMatchObject({ jobId: body.jobId, userId: 'grace' });
  });

  it('answers for a user who is not there with an error that is not a crash', async () => {
    const { status } = await system.process({ text: 'hello', userId: 'nobody' });
    const again = await system.process({ text: 'hello' });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(again.status).toBe(200);
  });
});
