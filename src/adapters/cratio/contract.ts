import type { Contract } from '../../access/contract.ts';
import { type KeyKind, prefixed } from '../../access/key-kind.ts';
import { apiKeysOf } from '../../features/platform/api-keys/credential.ts';
import { cratioErrorHandler } from './errors.ts';

const keyKind: KeyKind = {
  name: 'cratio',
  ...prefixed('le_live_'),
  permissions: ['read', 'write', 'delete'],
  limits: { perMinute: 100 },
  hasClientSecret: false,
};

/** Who calls the Cratio CRM API: its keys as bearer tokens, which name the workspace as well. */
export const cratioContract = {
  name: 'Cratio CRM API',
  api: 'cratio',
  keyKind,
  carriers: [{ in: 'bearer', takes: [apiKeysOf(keyKind)] }],
  workspaceIn: 'credential',
  limitBy: 'credential',
  words: {
    lacks: (grant) => `The key lacks the ${grant.replace('cratio:', '')} permission`,
    oauthEnforced: 'This workspace enforces OAuth 2.0',
  },
  errorHandler: cratioErrorHandler,
} satisfies Contract;
