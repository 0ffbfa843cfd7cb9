import type { Contract } from '../../access/contract.ts';
import { apiKeysOf } from '../../features/platform/api-keys/credential.ts';
import { sessionTokens } from '../../tenancy/accounts/credential.ts';
import { automate8ErrorHandler } from './errors.ts';
import { keyKind } from './keys.ts';

const keys = apiKeysOf(keyKind);

/** Who calls the Automate8 API: its keys, as bearer or X-API-Key, and signed-in people with their JWT. */
export const automate8Contract = {
  name: 'Automate8 API',
  api: 'automate8',
  keyKind,
  carriers: [
    { in: 'bearer', takes: [keys, sessionTokens] },
    { in: 'header', name: 'x-api-key', takes: [keys] },
  ],
  workspaceIn: 'request',
  limitBy: 'credential',
  personLimits: { perMinute: 100 },
  resetsIn: 'unixTime',
  words: {
    lacks: (grant) =>
      grant.startsWith(`${keyKind.name}:`)
        ? `The API key lacks the permission ${grant.slice(keyKind.name.length + 1)}`
        : "API keys can't do this; sign in and send your JWT",
    oauthEnforced: 'This workspace enforces OAuth 2.0',
  },
  errorHandler: automate8ErrorHandler,
} satisfies Contract;
