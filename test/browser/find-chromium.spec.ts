import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { findInstalledChromium } from './find-chromium.mjs';

describe('findInstalledChromium()', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'telemetry-browsers-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const place = (name: string, mode = 0o755): string => {
    const path = join(folder, name);
    writeFileSync(path, '', { mode });
    return path;
  };

  it('takes the browser that is named, even if others are there', () => {
    place('chromium');
    expect(findInstalledChromium({ CHROMIUM_BIN: '/my/chrome', PATH: folder })).toBe('/my/chrome');
  });

  it('looks for a Chromium on the PATH, then for what is built on one', () => {
    const chrome = place('google-chrome');
    expect(findInstalledChromium({ PATH: ['', folder].join(delimiter) })).toBe(chrome);
    const chromium = place('chromium');
    expect(findInstalledChromium({ PATH: folder })).toBe(chromium);
  });

  it('passes by what cannot be run', () => {
    const unusable = place('chromium', 0o644);
    expect(findInstalledChromium({ PATH: folder })).not.toBe(unusable);
  });
});
