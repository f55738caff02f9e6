import { Module } from '@nestjs/common';

import { Database } from './database.client.js';

@Module({ providers: [Database], exports: [Database] })
export class DatabaseModule {}
