import type { Contract } from './access/contract.ts';
import { type KeyKind, prefixed } from './access/key-kind.ts';
import { automate8 } from './adapters/automate8/routes.ts';
import { cratio } from './adapters/cratio/routes.ts';
import { apiKeysOf } from './features/platform/api-keys/credential.ts';
import { accessTokensOf } from './features/platform/oauth/credential.ts';
import type { Adapter } from './http.ts';
import { sessionTokens } from './tenancy/accounts/credential.ts';
import { sessionCookie } from './tenancy/accounts/session-cookie.ts';

const nativeKeys: KeyKind = { name: 'qvoo', ...prefixed('qvoo_live_'), hasClientSecret: true };

/** The public API: keys and their access tokens. A session is worth nothing here. */
export const native: Contract = {
  name: 'native',
  api: 'native',
  keyKind: nativeKeys,
  carriers: [
    { in: 'bearer', takes: [accessTokensOf(nativeKeys)] },
    { in: 'header', name: 'x-api-key', takes: [apiKeysOf(nativeKeys)] },
  ],
  workspaceIn: 'path',
  limitBy: 'credential',
  security: [{ ApiKeyAuth: [] }, { OAuth2Bearer: [] }],
  words: {
    lacks: (scope) => `This operation needs the scope ${scope}`,
    oauthEnforced: 'This workspace enforces OAuth 2.0; use a bearer token',
  },
};

/** Accounts, settings and the Developer Portal: signed-in people. A key is worth nothing here. */
export const portal: Contract = {
  ...native,
  name: 'portal',
  keyKind: undefined,
  carriers: [
    { in: 'bearer', takes: [sessionTokens] },
    { in: 'cookie', name: sessionCookie, takes: [sessionTokens] },
  ],
  limitBy: 'address',
  security: [{ SessionAuth: [] }],
};

/** The public API's operations for signed-in people, each counted alone. The document tells of them in its text. */
export const people: Contract = { ...portal, name: 'people', limitBy: 'credential', security: undefined };

/** Foreign contracts. */
export const adapters: Adapter[] = [cratio, automate8];

/** The keys of every contract by what requests call them, the native ones first. */
export const keyKinds: ReadonlyMap<string, KeyKind> = new Map(
  [native, ...adapters].flatMap(({ keyKind }) => (keyKind ? [[keyKind.name, keyKind] as const] : [])),
);
