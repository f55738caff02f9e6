// A command line application by nest-commander. `argv[2]` is its command.
import 'reflect-metadata';
// Before nest-commander, which requires it: Node 22.15 cannot require an ES module that is being evaluated.
import '@nestjs/core';

import { Module } from '@nestjs/common';
import { Command, CommandFactory, CommandRunner } from 'nest-commander';
import { getTelemetry, TelemetryModule } from 'nestjs-telemetry';

class ImportCommand extends CommandRunner {
  async run([file]) {
    await getTelemetry('import').trace('import_file', { file }, async () => {
      getTelemetry('import').counter('rows_total').add(3);
      if (file === 'broken.csv') throw new Error('no rows');
    });
    console.log(`imported ${file}`);
  }
}
Command({ name: 'import', arguments: '<file>' })(ImportCommand);

class AppModule {}
Module({
  imports: [TelemetryModule.forRoot({ serviceName: 'import', environment: 'production', logging: false })],
  providers: [ImportCommand],
})(AppModule);

await CommandFactory.run(AppModule, { logger: false, errorHandler: rethrow, serviceErrorHandler: rethrow });

function rethrow(error) {
  console.error(error.message);
  process.exitCode = 4;
}
