import { type INestApplication } from '@nestjs/common';

import { type Questions } from './questions';

/** One application after the idea of one of Nest's own samples. */
export interface Sample {
  /** The root module; made when the servers are known. */
  readonly module: () => unknown;
  readonly configure?: (app: INestApplication) => void | Promise<void>;
  /** The server that it needs, by name of its binary. */
  readonly needs?: 'redis-server' | 'mariadbd';
  /** Asks the running application; each answer is compared with that of the application without the module. */
  readonly ask: (questions: Questions) => Promise<void>;
  /** Names of spans that must be there with the module. */
  readonly spans: readonly string[];
}
