import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DashboardError } from '../../../lib/dashboard/http/dashboard-error.js';
import { loadMcpSdk } from '../../../lib/dashboard/mcp/mcp-package.js';
import { serveDashboard } from '../serve-dashboard.js';
import { cleanUp, newFolder, openTestStore } from '../sqlite/open-test-store.js';

const INSTALL = /run `npm install @modelcontextprotocol\/server@2` in the application/;

describe('the SDK of the MCP server', () => {
  const { argv } = process;
  const cwd = process.cwd();
  afterEach(async () => {
    process.argv = argv;
    process.chdir(cwd);
    await cleanUp();
  });

  it('is asked for with the command that installs it, where the application has none; the page works', async () => {
    const served = await serveDashboard(openTestStore());
    try {
      process.argv = [process.execPath, join(tmpdir(), 'main.js')];
      process.chdir(newFolder());
      const response = await fetch(`http://127.0.0.1:${served.port}/telemetry/mcp`, { method: 'POST' });
      expect([response.status, await response.json()]).toEqual([
        501,
        { error: { status: 501, message: expect.stringMatching(INSTALL) as string } },
      ]);
      expect((await served.api('services')).status).toBe(200);
    } finally {
      await served.close();
    }
  });

  it.each([
    ['cannot be loaded', new Error('broken')],
    ['is a version without what is needed', {}],
  ])('is asked for where it %s', (_what, loaded) => {
    const require = (): unknown => {
      if (loaded instanceof Error) throw loaded;
      return loaded;
    };
    const load = (): unknown => loadMcpSdk(() => require);
    expect(load).toThrow(DashboardError);
    expect(load).toThrow(INSTALL);
  });
});
