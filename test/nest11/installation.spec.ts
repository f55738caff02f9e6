import { sep } from 'node:path';

describe('the installation on Nest 11', () => {
  it('is Nest 11, and our package is the CommonJS build out of the tarball', () => {
    const { version } = require('@nestjs/core/package.json') as { version: string };
    expect(version).toMatch(/^11\./);
    expect(require.resolve('nestjs-telemetry')).toContain(
      ['nestjs-telemetry', 'dist', 'cjs', 'index.js'].join(sep),
    );
  });

  it.each(['nestjs-telemetry', 'nestjs-telemetry/testing'])('can be loaded as %s by require()', (entry) => {
    expect(Object.keys(require(entry) as object)).not.toEqual([]);
  });

  it('shares one copy of the API and of Nest with the application', () => {
    const from = { paths: [require.resolve('nestjs-telemetry')] };
    for (const peer of ['@opentelemetry/api', '@nestjs/core', '@nestjs/common', 'rxjs']) {
      expect(require.resolve(peer, from)).toBe(require.resolve(peer));
    }
  });
});
