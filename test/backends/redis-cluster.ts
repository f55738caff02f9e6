import { Redis } from 'ioredis';

import { freePort } from '../support/free-port.js';
import { poll } from './backend-processes.js';
import { RedisServer } from './redis-server.js';

const SLOTS = 16_384;

/** One of the masters, and the connection by which it is told what to do. */
interface ClusterNode {
  readonly server: RedisServer;
  /** Where it is spoken to by the others. */
  readonly bus: number;
  readonly admin: Redis;
  readonly id: string;
}

/** A real Redis Cluster of three masters on loopback, without replicas. */
export class RedisCluster {
  private constructor(private readonly nodes: readonly ClusterNode[]) {}

  static async start(binary: string): Promise<RedisCluster> {
    const cluster = new RedisCluster(await Promise.all([0, 1, 2].map(() => startNode(binary))));
    try {
      await cluster.join();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get addresses(): readonly { readonly host: string; readonly port: number }[] {
    return this.nodes.map(({ server: { host, port } }) => ({ host, port }));
  }

  /** The port of the node that has a key. */
  async portOf(key: string): Promise<number> {
    return (await this.ownerOf(key)).server.port;
  }

  /** Gives the slot of a key that does not exist to another node, as a resharding does; gives the ports of both. */
  async move(key: string): Promise<{ readonly from: number; readonly to: number }> {
    const [slot, from] = [await this.slotOf(key), await this.ownerOf(key)];
    const to = this.nodes.find((node) => node !== from)!;
    for (const { admin } of [to, from]) await admin.cluster('SETSLOT', slot, 'NODE', to.id);
    await poll(`slot ${slot} to be known to have moved`, async () => (await this.ownerOf(key)) === to);
    return { from: from.server.port, to: to.server.port };
  }

  /** Begins to move the slot of a key that does not exist: its node sends who asks for it to the other one. */
  async beginMove(key: string): Promise<{ readonly from: number; readonly to: number }> {
    const [slot, from] = [await this.slotOf(key), await this.ownerOf(key)];
    const to = this.nodes.find((node) => node !== from)!;
    await to.admin.cluster('SETSLOT', slot, 'IMPORTING', from.id);
    await from.admin.cluster('SETSLOT', slot, 'MIGRATING', to.id);
    return { from: from.server.port, to: to.server.port };
  }

  async stop(): Promise<void> {
    for (const { admin } of this.nodes) admin.disconnect();
    await Promise.all(this.nodes.map(({ server }) => server.stop()));
  }

  private async join(): Promise<void> {
    const [first, ...others] = this.nodes;
    const share = Math.ceil(SLOTS / this.nodes.length);
    for (const [index, { admin }] of this.nodes.entries()) {
      const last = Math.min((index + 1) * share, SLOTS) - 1;
      await admin.cluster('SET-CONFIG-EPOCH', index + 1);
      await admin.call('CLUSTER', 'ADDSLOTSRANGE', index * share, last);
    }
    for (const { server, bus } of others) {
      await first!.admin.call('CLUSTER', 'MEET', server.host, server.port, bus);
    }
    await poll('the cluster to be complete', async () => {
      const states = await Promise.all(this.nodes.map(({ admin }) => admin.cluster('INFO')));
      return states.every((state) => state.includes('cluster_state:ok'));
    });
  }

  private slotOf(key: string): Promise<number> {
    return this.nodes[0]!.admin.cluster('KEYSLOT', key);
  }

  private async ownerOf(key: string): Promise<ClusterNode> {
    const slot = await this.slotOf(key);
    const ranges = await this.nodes[0]!.admin.cluster('SLOTS');
    const [, , master] = ranges.find(([begin, end]) => begin <= slot && slot <= end)!;
    return this.nodes.find(({ server }) => server.port === master?.[1])!;
  }
}

async function startNode(binary: string): Promise<ClusterNode> {
  const bus = await freePort();
  const server = await RedisServer.start(binary, {
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-port': bus,
  });
  const admin = new Redis(server.port, server.host);
  return { server, bus, admin, id: await admin.cluster('MYID') };
}
