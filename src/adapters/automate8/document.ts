import type { Json } from '../../openapi/convert.ts';

/** The contract's own API document before its routes are added. */
export const automate8Document = (url: string): Json => ({
  openapi: '3.1.0',
  info: {
    title: 'Automate8 API',
    version: '1.0.0',
    description: [
      'Pipelines, opportunities, contacts, tags and agents for clients of the Automate8 API. The records are the same that',
      'the native API serves.',
      '',
      '**Authentication:** a key that begins with `crm_live_`, as bearer token or in `X-API-Key`, or the JWT of somebody who is',
      'signed in, as bearer token. A workspace admin makes keys at `/api/api-keys`, or in the Developer Portal with',
      "`kind: automate8` and the permissions as wanted. `/api/api-keys` takes an admin's JWT only.",
      '',
      "**Workspace:** the key's. With a JWT `workspace_id`, `workspaceId` or the header `X-Workspace-ID` names one, else it is the",
      "first. Naming one that is not the credential's is 403.",
      '',
      '**Rate limits:** 50 requests a minute per key unless the key has a limit of its own, 100 per person, and for tags and',
      'agents 100 per address besides; then 429 with `Retry-After`. `X-RateLimit-Reset` is a Unix time in seconds.',
      '',
      '**Errors:** `{success: false, error, code?, details?}`; whatever is wrong with a request is 400.',
      '',
      'Counts and sums may lag behind by five seconds.',
    ].join('\n'),
  },
  servers: [{ url }],
  security: [{ bearerAuth: [] }, { apiKey: [] }],
  tags: [
    { name: 'Pipelines' },
    { name: 'Stages' },
    { name: 'Opportunities' },
    { name: 'Metrics' },
    { name: 'Contacts' },
    { name: 'Tags' },
    { name: 'Agents' },
    { name: 'API Keys' },
  ],
  components: {
    securitySchemes: {
      bearerAuth: { type: 'http', scheme: 'bearer' },
      apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    },
  },
});
