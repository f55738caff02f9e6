import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { changelogProblems, dateUnreleased, structureProblems } from '../scripts/prepare/changelog.mjs';

const BEFORE = `# Changelog

## Unreleased

- Spans have names.

## 0.1.0 – 2026-01-02

- The first one.
`;

describe('CHANGELOG.md at a release', () => {
  it('has what was unreleased under the version and the date, and room for what comes next', () => {
    const after = dateUnreleased(BEFORE, '0.2.0', '2026-03-04');
    expect(after).toContain('## Unreleased\n\n## 0.2.0 – 2026-03-04\n\n- Spans have names.\n\n## 0.1.0');
    expect(changelogProblems(after, '0.2.0')).toEqual([]);
  });

  it.each([
    ['what is unreleased', BEFORE, '0.1.0', 'has changes under "Unreleased"'],
    ['a version without a section', BEFORE, '0.3.0', 'has no section of 0.3.0'],
    ['a section without a date', '## 0.1.0 (unreleased)\n\n- A.\n', '0.1.0', 'has no date'],
    ['a section without entries', '## 0.1.0 – 2026-01-02\n', '0.1.0', 'is empty'],
    [
      'an earlier section that was never released',
      '## 0.2.0 – 2026-01-02\n\n- A.\n\n## 0.1.0 (unreleased)\n\n- B.\n',
      '0.2.0',
      'the section "0.1.0 (unreleased)"',
    ],
  ])('is not released with %s', (_what, changelog, version, problem) => {
    expect(changelogProblems(changelog, version)).toContainEqual(expect.stringContaining(problem));
  });

  it.each([
    ['nothing to release', '# Changelog\n\n## Unreleased\n\n## 0.1.0 – 2026-01-02\n', 'nothing under'],
    ['a section of that version', BEFORE.replace('0.1.0', '0.2.0'), 'has a section of 0.2.0 already'],
    [
      'a second section without a date',
      BEFORE.replace('0.1.0 – 2026-01-02', '0.1.0 (unreleased)'),
      'no "## 1.2.3 –',
    ],
  ])('is left alone where it has %s', (_what, changelog, problem) => {
    expect(() => dateUnreleased(changelog, '0.2.0', '2026-03-04')).toThrow(problem);
  });
});

describe('CHANGELOG.md of this repository', () => {
  const changelog = readFileSync(resolve(__dirname, '../CHANGELOG.md'), 'utf8');

  it('has what is not released at the top, and below it only versions with their date', () => {
    expect(structureProblems(changelog)).toEqual([]);
  });
});
