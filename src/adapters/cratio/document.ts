import type { Json } from '../../openapi/convert.ts';

/** The contract's own API document before its routes are added. */
export const cratioDocument = (url: string): Json => ({
  openapi: '3.1.0',
  info: {
    title: 'Cratio CRM API',
    version: '1.0.0',
    description: [
      'Leads and call logs for clients of the Cratio CRM API. The leads are the same that the native API serves.',
      '',
      '**Authentication:** a key that begins with `le_live_`, as bearer token. A workspace admin makes one in the',
      'Developer Portal with `kind: cratio` and the permissions read, write and delete as wanted.',
      '',
      '**Rate limit:** 100 requests a minute per key, unless the key says otherwise; then 429 with `Retry-After`.',
      '',
      '`total` is exact up to 10,000; beyond that it grows with the pages, so reading until `offset` reaches `total`',
      'reads everything. `offset` goes as deep as there are records. A page of large records ends before its `limit`; then',
      '`pagination.limit` is what it has, and the next page begins at `offset` + `limit` as ever. Where it takes longer to',
      'find the records, the answer is 503 with `Retry-After`, and the repeated request goes on from there.',
    ].join('\n'),
  },
  servers: [{ url }],
  security: [{ bearerAuth: [] }],
  tags: [{ name: 'Leads' }, { name: 'Call Logs' }],
  components: { securitySchemes: { bearerAuth: { type: 'http', scheme: 'bearer' } } },
});
