import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const command = join(__dirname, '../../dist/esm/cli/main.js');

const MAIN = `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
await bootstrap();
`;
const ROOT = `import { Module } from '@nestjs/common';
import { AppService } from './app.service.js';

@Module({
  imports: [],
  providers: [AppService],
})
export class AppModule {}
`;

describe('nestjs-telemetry init', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'telemetry-init-'));
    write('package.json', '{"name":"app"}');
    write('src/main.ts', MAIN);
    write('src/app.module.ts', ROOT);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
  const init = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, 'init', ...args], {
      cwd: folder,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };

  it('imports the module, calls enableShutdownHooks(), writes .env.example and ignores the store', () => {
    write('.gitignore', '/dist\n');
    const { status, stdout, stderr } = init('--skip-install');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(read('src/app.module.ts')).toBe(
      ROOT.replace('imports: []', 'imports: [TelemetryModule.forRoot()]').replace(
        "'@nestjs/common';\n",
        "'@nestjs/common';\nimport { TelemetryModule } from 'nestjs-telemetry';\n",
      ),
    );
    expect(read('src/main.ts')).toBe(
      MAIN.replace('(AppModule);\n', '(AppModule);\n  app.enableShutdownHooks();\n'),
    );
    expect(read('.env.example')).toContain('# OTEL_EXPORTER_OTLP_ENDPOINT=');
    expect(read('.gitignore')).toMatch(/^\/dist\n[\s\S]*^\.telemetry\/$/m);
    expect(stdout).toContain('-  imports: [],\n+  imports: [TelemetryModule.forRoot()],');
  });

  it('changes nothing the second time', () => {
    init('--skip-install');
    const before = ['src/app.module.ts', 'src/main.ts', '.env.example'].map(read);
    expect(init('--skip-install').stdout).toBe('Everything is there already.\n');
    expect(['src/app.module.ts', 'src/main.ts', '.env.example'].map(read)).toEqual(before);
  });

  it.each([
    [
      'a comma too many',
      '{\n  "name": "app",\n}\n',
      /: Expected double-quoted property name in JSON .* in line 3\. /,
    ],
    ['half of a file', '{\n  "name": "app"', /: Expected ',' or '\}' .* in line 2\. /],
    ['nothing', '', /: it is empty\. /],
    ['a list', '[]', /: it is a list, not an object\. /],
    ['a text', '"app"', /: it is "app", not an object\. /],
    ['null', 'null', /: it is null, not an object\. /],
  ])(
    'names the file and the mistake for a package.json with %s, and changes nothing',
    (_what, text, reason) => {
      write('package.json', text);
      const { status, stdout, stderr } = init('--skip-install');
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain(`${join(folder, 'package.json')} cannot be read as JSON: `);
      expect(stderr).toMatch(reason);
      expect(stderr).toContain('Mend the file, and run this command again. Nothing was changed.\n');
      expect(read('src/app.module.ts')).toBe(ROOT);
    },
  );

  it('reads a package.json with a byte order mark', () => {
    write('package.json', '\uFEFF{"name":"app"}');
    expect(init('--skip-install')).toMatchObject({ status: 0, stderr: '' });
  });

  it('shows the changes and makes none with --dry-run', () => {
    const { stdout } = init('--dry-run');
    expect(stdout).toContain('+  app.enableShutdownHooks();');
    expect(stdout).toContain('Would run: npm install nestjs-telemetry @opentelemetry/api');
    expect(read('src/app.module.ts')).toBe(ROOT);
    expect(read('src/main.ts')).toBe(MAIN);
  });

  it.each([
    ['pnpm-lock.yaml', 'pnpm add nestjs-telemetry'],
    ['yarn.lock', 'yarn add nestjs-telemetry'],
    ['bun.lock', 'bun add nestjs-telemetry'],
  ])('installs by the package manager of %s what is not listed', (lockfile, line) => {
    write(lockfile, '');
    write('package.json', '{"dependencies":{"@opentelemetry/api":"^1.10.0"}}');
    expect(init('--dry-run').stdout).toContain(`Would run: ${line}\n`);
  });

  it.each([
    [
      'a list over several lines',
      '@Module({\n  imports: [\n    ConfigModule.forRoot({ load: [() => ({})] }),\n    OrdersModule,\n  ],\n})\nexport class AppModule {}\n',
      '  imports: [\n    TelemetryModule.forRoot(),\n    ConfigModule',
    ],
    [
      'a list on one line',
      '@Module({ imports: [OrdersModule] })\nexport class AppModule {}\n',
      '{ imports: [TelemetryModule.forRoot(), OrdersModule] }',
    ],
    [
      'no list',
      '@Module({\n  providers: [{ provide: X, imports: [] }],\n})\nexport class AppModule {}\n',
      '@Module({\n  imports: [TelemetryModule.forRoot()],\n  providers',
    ],
    [
      'an empty object',
      '@Module({})\nexport class AppModule {}\n',
      '@Module({ imports: [TelemetryModule.forRoot()] })',
    ],
    [
      'brackets in comments, strings and templates',
      "// @Module({ imports: [ class AppModule\n@Module({\n  providers: [{ provide: '[{(', useValue: `)}]` }, /* [ */ { provide: /[(]/, useValue: 1 }],\n  imports: [OrdersModule],\n})\nexport class AppModule {}\n",
      'imports: [TelemetryModule.forRoot(), OrdersModule]',
    ],
    [
      'another module in the file',
      '@Module({ imports: [] })\nclass Other {}\n@Module({ imports: [Other] })\nexport class AppModule {}\n',
      '@Module({ imports: [] })\nclass Other {}\n@Module({ imports: [TelemetryModule.forRoot(), Other] })',
    ],
  ])('edits a root module with %s', (_, source, expected) => {
    write('src/app.module.ts', source);
    expect(init('--skip-install').status).toBe(0);
    expect(read('src/app.module.ts')).toContain(expected);
  });

  it('keeps quotes, ends of statements and line ends of the file', () => {
    write(
      'src/app.module.ts',
      'import { Module } from "@nestjs/common"\r\n\r\n@Module({ imports: [] })\r\nexport class AppModule {}\r\n',
    );
    init('--skip-install');
    expect(read('src/app.module.ts')).toBe(
      'import { Module } from "@nestjs/common"\r\nimport { TelemetryModule } from "nestjs-telemetry"\r\n\r\n@Module({ imports: [TelemetryModule.forRoot()] })\r\nexport class AppModule {}\r\n',
    );
  });

  it('finds the root module of a Fastify application in the source folder of nest-cli.json', () => {
    rmSync(join(folder, 'src'), { recursive: true });
    write('nest-cli.json', '{"sourceRoot":"apps/shop/src","entryFile":"server"}');
    write('apps/shop/src/shop.module.ts', ROOT.replace('AppModule', 'ShopModule'));
    write(
      'apps/shop/src/server.ts',
      "import { ShopModule } from './shop.module';\nconst app = await NestFactory.create<NestFastifyApplication>(\n  ShopModule,\n  new FastifyAdapter({ logger: false }),\n);\nawait app.listen(3000);\n",
    );
    expect(init('--skip-install').status).toBe(0);
    expect(read('apps/shop/src/shop.module.ts')).toContain('TelemetryModule.forRoot()');
    expect(read('apps/shop/src/server.ts')).toContain('\n);\napp.enableShutdownHooks();\nawait app.listen');
  });

  it.each([
    [
      'a list that is computed',
      ROOT.replace('imports: []', 'imports: modules()'),
      /^By hand: src\/app\.module\.ts: add TelemetryModule\.forRoot\(\) to the imports of AppModule/m,
    ],
    ['no such class', 'export const nothing = 1;\n', /^By hand: src\/app\.module\.ts/m],
  ])('leaves %s alone, and prints what to write', (_, source, hint) => {
    write('src/app.module.ts', source);
    const { status, stdout } = init('--skip-install');
    expect(status).toBe(1);
    expect(stdout).toMatch(hint);
    expect(read('src/app.module.ts')).toBe(source);
  });

  it('prints what to write where there is no main file, and where the root module cannot be found', () => {
    write('src/main.ts', MAIN.replace("'./app.module.js'", "'@app/app.module'"));
    expect(init('--skip-install').stdout).toMatch(/^By hand: src\/main\.ts: its root module was not found/m);
    rmSync(join(folder, 'src/main.ts'));
    expect(init('--skip-install').stdout).toMatch(/^By hand: src\/main\.ts is missing/m);
  });

  it('refuses a folder without package.json with exit code 2', () => {
    rmSync(join(folder, 'package.json'));
    const { status, stderr } = init();
    expect(status).toBe(2);
    expect(stderr).toContain('Name the folder of the project with --folder.');
  });
});
