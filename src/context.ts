import type { Redis } from 'ioredis';
import type { Declared } from './access/declared.ts';
import type { KeyKind } from './access/key-kind.ts';
import type { Config } from './config.ts';
import type { Feature } from './feature.ts';
import type { Clock } from './infra/clock.ts';
import type { Counters } from './infra/counters.ts';
import type { Logger } from './infra/logger.ts';
import type { Metrics } from './infra/metrics.ts';
import type { Database } from './infra/mongo.ts';
import type { Queues } from './infra/queues.ts';
import type { SharedCache } from './infra/shared-cache.ts';
import type { SecretBox } from './lib/crypto.ts';
import type { FairShare } from './lib/fair-share.ts';
import type { Doubts } from './records/doubts.ts';
import type { RecentRecords } from './records/recent.ts';
import type { Relay } from './records/relay.ts';

/** What services work with. Made once per process by `createContext`; tests make one per file. */
export interface Context extends Readonly<Declared> {
  /** What this process is there for. */
  readonly features: readonly Feature[];
  readonly config: Config;
  /** The API keys that there are, by the names of their kinds. */
  readonly keyKinds: ReadonlyMap<string, KeyKind>;
  readonly log: Logger;
  readonly db: Database;
  /** Fails fast when Redis is away; a caller has to have another way. */
  readonly redis: Redis;
  /** First part of every Redis key and channel. */
  readonly redisPrefix: string;
  readonly cache: SharedCache;
  readonly counters: Counters;
  /** Of what requests cost this process, and what follows from them at once. */
  readonly share: FairShare;
  readonly clock: Clock;
  readonly queues: Queues;
  readonly relay: Relay;
  readonly doubts: Doubts;
  readonly recent: RecentRecords;
  readonly secretBox: SecretBox;
  readonly jwtSecret: string;
  readonly metrics: Metrics;
}
