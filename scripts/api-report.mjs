// Compares the public types of dist/ with the reports in api/, or writes these with --update. A diff of a report shows what a change
// means for users.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
const updates = process.argv.includes('--update');
/** By the name of the report; `nestjs-telemetry/register` exports nothing. */
const entryPoints = { index: 'index.d.ts', testing: 'testing/index.d.ts' };

function check(name, entryPoint) {
  const reportTempFolder = join(root, '.cache/api');
  mkdirSync(reportTempFolder, { recursive: true });
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: join(root, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(root, 'dist/esm', entryPoint),
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2023',
            lib: ['es2024', 'esnext.disposable'],
            module: 'nodenext',
            moduleResolution: 'nodenext',
            types: ['node'],
            strict: true,
            skipLibCheck: true,
          },
          files: [join(root, 'dist/esm', entryPoint)],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: join(root, 'api'),
        reportTempFolder,
        // Types that options and configuration are made of; the kit for tests takes them from there.
        includeForgottenExports: name === 'index',
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: 'warning' } },
        // Docstrings are not written for TSDoc's tags of releases, and test/public-api.spec.ts asks for them.
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
  return Extractor.invoke(config, {
    localBuild: updates,
    messageCallback: (message) => {
      // Said once below, for both.
      if (message.messageId === 'console-api-report-not-copied') message.logLevel = 'none';
    },
  });
}

mkdirSync(join(root, 'api'), { recursive: true });
const changed = Object.entries(entryPoints).filter(([name, file]) => {
  const { apiReportChanged, errorCount } = check(name, file);
  if (errorCount > 0) process.exitCode = 1;
  return apiReportChanged;
});
if (changed.length > 0 && !updates) {
  console.error(
    'The public types have changed. Run `npm run api:update`, and commit api/ when that was meant.',
  );
  process.exitCode = 1;
}
