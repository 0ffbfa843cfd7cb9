import type { KeyKind } from '../../access/key-kind.ts';
import { randomText, sha256 } from '../../lib/crypto.ts';

/** This contract's keys: `crm_live_<key>_<checksum>`. A mistyped one is refused without a look into the store. */

export const keyPrefix = 'crm_live_';
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const keyLength = 43;
const checksumLength = 8;
/** So much of a key tells it from others, and nothing of the rest. */
const shownLength = 6;

const pattern = new RegExp(`^${keyPrefix}([A-Za-z0-9]{32,64})_([0-9a-f]{${checksumLength}})$`);

const checksumOf = (key: string): string => sha256(`${keyPrefix}${key}`).slice(0, checksumLength);

/** Actions by resource; a route demands one of each. */
const actions = {
  pipelines: ['read', 'write', 'delete'],
  opportunities: ['read', 'write', 'delete'],
  stages: ['read', 'write', 'delete'],
  contacts: ['read', 'write', 'delete'],
  messages: ['read', 'write', 'delete'],
  sequences: ['read', 'write', 'delete'],
  tags: ['read', 'write', 'delete'],
  calendar: ['read', 'write', 'delete'],
  analytics: ['read', 'export'],
  triggers: ['write'],
  workspace_members: ['read'],
  actions: ['execute'],
} as const;

export const keyKind: KeyKind = {
  name: 'automate8',
  prefix: keyPrefix,
  issue() {
    const key = randomText(alphabet, keyLength);
    return `${keyPrefix}${key}_${checksumOf(key)}`;
  },
  isFormed(text) {
    const [, key, checksum] = pattern.exec(text) ?? [];
    return key !== undefined && checksumOf(key) === checksum;
  },
  startOf: (key) => key.slice(0, keyPrefix.length + shownLength),
  permissions: Object.entries(actions).flatMap(([resource, names]) =>
    names.map((action) => `${resource}:${action}`),
  ),
  permissionsAs: 'actionsByResource',
  limits: { perMinute: 50 },
  hasClientSecret: false,
};
