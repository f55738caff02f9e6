import { columnsOf, suggestColumns } from '../../../../lib/dashboard/panels/logs/view/columns.js';
import { type LogAnswer } from '../../../../lib/dashboard/reader/answers/logs.interface.js';

const lineOf = (attributes: LogAnswer['attributes']): LogAnswer => ({
  id: 1,
  time: 1,
  level: 'info',
  service: 'orders',
  context: undefined,
  message: 'Done',
  traceId: undefined,
  spanId: undefined,
  attributes,
});

describe('the columns of the list of log lines', () => {
  it('are those of the address, each once, six at most', () => {
    expect(columnsOf(new URLSearchParams('column=a&column=b&column=a&column='))).toEqual(['a', 'b']);
    expect(columnsOf(new URLSearchParams('abcdefgh'.split('').map((key) => ['column', key])))).toHaveLength(
      6,
    );
  });

  it('are suggested from the fields that the newest lines have, the most frequent first', () => {
    const lines = [
      lineOf({ b: 1, 'exception.stacktrace': 'Error' }),
      lineOf({ a: 1, c: 1 }),
      lineOf({ c: 1 }),
      ...Array.from({ length: 500 }, () => lineOf({ c: 1 })),
      lineOf({ old: 1 }),
    ];
    expect(suggestColumns(lines, [])).toEqual(['c', 'a', 'b']);
    expect(suggestColumns(lines, ['c'])).toEqual(['a', 'b']);
    expect(suggestColumns([], [])).toEqual([]);
  });
});
