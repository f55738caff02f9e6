import { createRenderer } from '../../lib/cli/tail/render-item.js';

describe('an item of a page in the terminal', () => {
  const render = createRenderer({ level: 'trace', service: undefined, colours: false });

  it('has no control character of what was recorded, whatever part of it has one', () => {
    const evil = '\u001b[2J\u009b31m\r';
    const log = {
      level: `info${evil}`,
      service: evil,
      context: evil,
      message: evil,
      traceId: evil,
      attributes: { [evil]: evil },
    };
    const trace = {
      traceId: evil,
      service: evil,
      name: evil,
      status: evil,
      errorCount: 1,
      start: 0,
      durationMs: 1,
    };
    const lines = [render({ type: 'log', log: { ...log, time: 0 } }), render({ type: 'trace', trace })];
    for (const line of lines) expect(line).toMatch(/^[^\p{Cc}]+$/u);
  });
});
