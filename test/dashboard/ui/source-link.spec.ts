import { attributesOfSource, sourceOf } from '../../../lib/dashboard/ui/parts/source-link.js';

const at = (file: string, line = 12) => ({ 'code.file.path': file, 'code.line.number': line });

describe('a link to the source of a span', () => {
  it('opens the file at its line in the editor of the application', () => {
    expect(sourceOf(at('/srv/my app/a.ts'))?.href).toBe('vscode://file/srv/my%20app/a.ts:12');
    expect(sourceOf(at('C:\\app\\a.ts'))?.href).toBe('vscode://file/C:/app/a.ts:12');
    expect(sourceOf(at('/a&b#c.ts'), 'webstorm://open?file={file}&line={line}')?.href).toBe(
      'webstorm://open?file=/a%26b%23c.ts&line=12',
    );
  });

  it('is the same for a place that the API names', () => {
    const source = { file: '/srv/app/a.ts', line: 7 };
    expect(sourceOf(attributesOfSource(source))?.href).toBe('vscode://file/srv/app/a.ts:7');
    expect(sourceOf(attributesOfSource(undefined))).toBeUndefined();
  });

  it('reads the names of older semantic conventions', () => {
    expect(sourceOf({ 'code.filepath': '/a.ts', 'code.lineno': 3 })?.href).toBe('vscode://file/a.ts:3');
  });

  it.each(['javascript:alert(1)', 'a.ts', 'https://evil.example/a.ts', ''])('is none for %p', (file) => {
    expect(sourceOf(at(file))?.href).toBeUndefined();
  });

  it('is none where the application wants none, or names an address that is a script', () => {
    expect(sourceOf(at('/a.ts'), null)?.href).toBeUndefined();
    expect(sourceOf(at('/a.ts'), 'javascript:{file}')?.href).toBeUndefined();
    expect(sourceOf({})).toBeUndefined();
  });
});
