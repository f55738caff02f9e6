import { Controller, Get, Inject, Module } from '@nestjs/common';
import { InjectModel, SequelizeModule } from '@nestjs/sequelize';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { createClient } from 'redis';
import { Column as SequelizeColumn, Model, Table } from 'sequelize-typescript';
import { Column, Entity, PrimaryGeneratedColumn, type Repository } from 'typeorm';

import { type Sample } from './sample';

const port = Number(process.env['SERVER_PORT']);
const mysql = { host: '127.0.0.1', port, username: 'root', password: '', database: 'test' };

@Table({ tableName: 'sequelize_users', timestamps: false })
class User extends Model {
  @SequelizeColumn declare name: string;
}

@Controller('users')
class UsersController {
  constructor(@InjectModel(User) private readonly users: typeof User) {}
  @Get() async list(): Promise<object> {
    await this.users.destroy({ where: {} });
    await this.users.create({ name: "O'Brien" });
    return (await this.users.findAll({ attributes: ['name'] })).map(({ name }) => ({ name }));
  }
}

@Entity('typeorm_photos')
class Photo {
  @PrimaryGeneratedColumn() id!: number;
  @Column() name!: string;
}

@Controller('photos')
class PhotosController {
  constructor(@InjectRepository(Photo) private readonly photos: Repository<Photo>) {}
  @Get() async list(): Promise<object> {
    await this.photos.clear();
    await this.photos.save({ name: 'sunset' });
    return (await this.photos.findBy({ name: 'sunset' })).map(({ name }) => ({ name }));
  }
}

type Redis = ReturnType<typeof createClient>;

@Controller('redis')
class RedisController {
  constructor(@Inject('REDIS') private readonly redis: Redis) {}
  @Get() async read(): Promise<object> {
    await this.redis.set('a', '1');
    const both = await this.redis.multi().incr('a').get('a').exec();
    return { value: await this.redis.get('a'), both };
  }
  async onApplicationShutdown(): Promise<void> {
    await this.redis.close();
  }
}

export const databasesSamples: Record<string, Sample> = {
  'Sequelize on mysql2 3.17': {
    needs: 'mariadbd',
    module: () => {
      @Module({
        imports: [
          SequelizeModule.forRoot({
            dialect: 'mysql',
            ...mysql,
            models: [User],
            synchronize: true,
            autoLoadModels: true,
            logging: false,
          }),
          SequelizeModule.forFeature([User]),
        ],
        controllers: [UsersController],
      })
      class SqlModule {}
      return SqlModule;
    },
    ask: async (questions) => {
      await questions.http('GET', '/users');
    },
    spans: ['GET /users', 'mysql: INSERT sequelize_users', 'mysql: SELECT sequelize_users'],
  },
  'TypeORM on mysql2 3.17': {
    needs: 'mariadbd',
    module: () => {
      @Module({
        imports: [
          TypeOrmModule.forRoot({ type: 'mysql', ...mysql, entities: [Photo], synchronize: true }),
          TypeOrmModule.forFeature([Photo]),
        ],
        controllers: [PhotosController],
      })
      class OrmModule {}
      return OrmModule;
    },
    ask: async (questions) => {
      await questions.http('GET', '/photos');
    },
    spans: ['GET /photos', 'mysql: INSERT typeorm_photos', 'mysql: SELECT typeorm_photos'],
  },
  'redis 5': {
    needs: 'redis-server',
    module: () => {
      @Module({
        controllers: [RedisController],
        providers: [
          {
            provide: 'REDIS',
            useFactory: () => createClient({ url: `redis://127.0.0.1:${port}` }).connect(),
          },
        ],
      })
      class RedisModule {}
      return RedisModule;
    },
    ask: async (questions) => {
      await questions.http('GET', '/redis');
    },
    spans: ['GET /redis', 'redis: redis.set', 'redis: redis.multi', 'redis: redis.get'],
  },
};
