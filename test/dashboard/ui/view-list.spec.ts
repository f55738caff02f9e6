import { addView, MAX_VIEWS, parseViews, renameView } from '../../../lib/dashboard/ui/parts/view-list.js';

const ERRORS = { name: 'Errors of today', address: '#/errors?state=new&range=24h' };
const SLOW = { name: 'Slow orders', address: '#/traces?minMs=500' };
const many = Array.from({ length: MAX_VIEWS }, (_, index) => ({ name: `v${index}`, address: '#/logs' }));

describe('saved views', () => {
  it('are read as they were written', () => {
    expect(parseViews(JSON.stringify([ERRORS, SLOW]))).toEqual([ERRORS, SLOW]);
    expect(parseViews(undefined)).toEqual([]);
  });

  it.each([
    ['no JSON', '{'],
    ['no list', '{"name":"a","address":"#/logs"}'],
    ['other entries', '[null,1,"#/logs",[],{"name":"a"},{"name":7,"address":"#/logs"}]'],
    ['no name', '[{"name":"","address":"#/logs"},{"name":" ","address":"#/logs"}]'],
    ['a name that is too long', JSON.stringify([{ name: 'x'.repeat(81), address: '#/logs' }])],
    ['another page', '[{"name":"a","address":"https://evil.example/"}]'],
    ['a script', '[{"name":"a","address":"javascript:alert(1)"}]'],
    ['a token', '[{"name":"a","address":"#token=abc"}]'],
    [
      'an address that is too long',
      JSON.stringify([{ name: 'a', address: `#/logs?text=${'x'.repeat(5_000)}` }]),
    ],
  ])('leave out what is none: %s', (_, text) => {
    expect(parseViews(text)).toEqual([]);
  });

  it('keep the first of a name, no more than fit, and no other fields', () => {
    const kept = [{ ...SLOW, more: '<b>' }, { ...ERRORS, name: SLOW.name }, ...many];
    const views = parseViews(JSON.stringify(kept));
    expect(views).toHaveLength(MAX_VIEWS);
    expect(views.slice(0, 2)).toEqual([SLOW, many[0]]);
  });

  it('get a new one at the front, in place of one of its name, with a name in one line', () => {
    expect(addView([SLOW], ERRORS)).toEqual([ERRORS, SLOW]);
    expect(addView([SLOW, ERRORS], { name: '  Errors of\n today ', address: '#/logs' })).toEqual([
      { name: 'Errors of today', address: '#/logs' },
      SLOW,
    ]);
  });

  it('are renamed in their place', () => {
    expect(renameView([SLOW, ERRORS], 'Slow orders', ' Slow ')).toEqual([{ ...SLOW, name: 'Slow' }, ERRORS]);
    expect(renameView([SLOW], 'Slow orders', 'Slow orders')).toEqual([SLOW]);
  });

  it('say why one cannot be saved or renamed', () => {
    expect(addView([], { ...SLOW, name: ' ' })).toBe('Give the view a name.');
    expect(addView([], { name: 'a', address: `#/${'x'.repeat(5_000)}` })).toContain('too long');
    expect(addView(many, SLOW)).toBe('50 views are saved: delete one first.');
    expect(addView(many, { ...SLOW, name: 'v7' })).toHaveLength(MAX_VIEWS);
    expect(renameView([SLOW, ERRORS], SLOW.name, ERRORS.name)).toContain('already');
    expect(renameView([SLOW], SLOW.name, '')).toBe('Give the view a name.');
  });
});
