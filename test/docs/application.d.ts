/** Names of the reader's own application that the code of the docs uses. Everything else a block imports itself. */
interface User {
  readonly id: string;
}
declare class OrderService {
  find(id: string): Promise<User>;
}
declare class ImageService {
  resize(key: string): Promise<string>;
}
declare class ImportService {
  run(file: string): Promise<void>;
}
declare class AppModule {}
declare const probe: import('nestjs-telemetry/testing').TelemetryProbe;
declare const app: import('@nestjs/common').INestApplication;
declare function findUser(id: string): Promise<User>;
declare function planOf(request: unknown): string;
declare function send(job: unknown): Promise<void>;
declare const client: { post(url: string, body: unknown, options: { headers: object }): Promise<unknown> };
declare const url: string;
declare const body: unknown;
/** supertest, as `nest new` sets it up. */
declare function request(server: unknown): {
  post(path: string): { send(body: unknown): Promise<unknown> };
  get(path: string): Promise<unknown>;
};

/** Stands for any instrumentation of OpenTelemetry that is not installed here. */
declare module '@opentelemetry/instrumentation-cassandra-driver' {
  export const CassandraDriverInstrumentation: new () => import('@opentelemetry/instrumentation').Instrumentation;
}
