import { type ScopeGroup, scopeGroupsOf } from '../access/declared.ts';
import type { Feature } from '../feature.ts';
import { apiVersion } from '../lib/api-version.ts';
import { eventTypes } from '../records/entity/names.ts';
import type { Json } from './convert.ts';

/** The parts of the API document that are prose or follow from no route. */

const apiDescription = (groups: readonly ScopeGroup[]): string =>
  `
REST API of the CRM: leads, properties, contacts, customers, tasks, the team, webhooks and WhatsApp messages of a workspace.

## Authentication
Send an API key as \`X-API-Key\`, or exchange the key's client id and secret at \`POST /api/v1/oauth/token\` for an access token
(one hour) and send it as \`Authorization: Bearer\`. A workspace can enforce OAuth: then an API key is answered with 403.
Keys are managed in the Developer Portal routes with the session token of \`POST /api/login\`.

Signed-in people use every operation below \`/api/v1/workspaces/{workspaceId}\` also below \`/api/workspaces/{workspaceId}\`, with the session token as bearer or
with its cookie. What they may do follows from their role: a viewer reads, an agent creates and changes single records and sends messages, a manager also works in bulk, an
admin also manages webhooks, keys, members, settings and providers. A session is worth nothing below \`/api/v1\`, and a key nothing below \`/api/workspaces\`.

## Scopes
| Scope | Grants |
|---|---|
${groups.map(scopeRow).join('\n')}

A key created without scopes gets \`lead.read\`, \`lead.write\` and \`metadata.read\`. The former \`admin\` scope is gone; a key that bears it gets 403.

## No DELETE
Records are not deleted over this API: every DELETE is answered with 405. Archive instead.

## Rate limits
Per key, by the minute and by the hour. Every limited answer carries \`X-RateLimit-Limit\`, \`-Remaining\` and \`-Reset\` (seconds);
beyond the limit comes 429 with \`Retry-After\`. Wrong credentials are counted by address and answered in the same way.

## Retries
\`Idempotency-Key\` on a POST that creates makes a retry within 24 hours safe. \`ETag\` with \`If-None-Match\` saves transfers; with
\`If-Match\` it keeps two writers from overwriting each other.

## Lists
Newest first; follow \`nextCursor\` until it is null. \`/sync\` lists everything in the order of its last change, archived records included.
A \`/sync\` page leaves out the last two seconds, so that following it misses nothing.

## Webhooks
Signed as Standard Webhooks describe: \`webhook-id\`, \`webhook-timestamp\`, \`webhook-signature\` (HMAC-SHA256 with the subscription's secret).
The body is the record as it was right after the change. Any 2xx acknowledges it; anything else is repeated for about a day and a half.
An event is delivered at least once, and a repetition has the same \`webhook-id\`. The order is not promised: of two events of one record
the one with the later \`updatedAt\` shows its newer state. A 410, or five days of nothing but failure, disables a subscription.

## Messages
A WhatsApp send answers once Meta has accepted the message, SMS and email at once; \`GET …/messages\` shows what has become of each. No message is sent
twice: where the connection or the process died while it was handed over, and the provider can't tell, it is shown as \`unknown\`. A 503 of a WhatsApp
send carries the \`messageId\`; retry with the same \`Idempotency-Key\`. The WhatsApp operations answer invalid requests with 400 instead of 422.
`.trim();

const scopeRow = ({ scopes, opens }: ScopeGroup): string =>
  `| ${scopes.map((scope) => `\`${scope}\``).join(', ')} | ${opens} |`;

const errorResponse = (description: string, schema = 'ErrorResponse') => ({
  description,
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
});

export const errorResponses = {
  BadRequestError: errorResponse('The body is malformed, or the provider rejected the message'),
  UnauthorizedError: errorResponse('No credential, or an unknown, expired or revoked one'),
  ForbiddenError: errorResponse('Another workspace, a missing scope, or a module that is off'),
  NotFoundError: errorResponse('Unknown id or route'),
  MethodNotAllowedError: errorResponse('DELETE is not supported'),
  ConflictError: errorResponse('A duplicate, or an archived record', 'ConflictResponse'),
  PreconditionFailedError: errorResponse('The record has changed since the version in If-Match'),
  ValidationError: errorResponse('The request parses but is invalid', 'ValidationErrorResponse'),
  RateLimitError: errorResponse('Too many requests; see Retry-After'),
  InternalServerError: errorResponse('An unexpected error'),
  NotModified: { description: 'Unchanged since the ETag in If-None-Match' },
};

const recordOf = (event: string): string => {
  const [noun = ''] = event.split('.');
  return noun.charAt(0).toUpperCase() + noun.slice(1);
};

export const webhookDocuments = (): Json =>
  Object.fromEntries(
    eventTypes().map((event) => [
      event,
      {
        post: {
          summary: event,
          requestBody: {
            content: { 'application/json': { schema: { $ref: `#/components/schemas/${recordOf(event)}` } } },
          },
          responses: { 200: { description: 'Any 2xx acknowledges the event' } },
        },
      },
    ]),
  );

/** The document before routes are added. */
export const nativeDocument = (baseUrl: string, features: readonly Feature[]): Json => ({
  openapi: '3.1.0',
  info: {
    title: 'CRM Public API',
    version: apiVersion,
    description: apiDescription(scopeGroupsOf(features)),
  },
  servers: [{ url: baseUrl }],
  tags: features.flatMap(({ tags = [] }) => tags),
  components: {
    securitySchemes: {
      ApiKeyAuth: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      OAuth2Bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      SessionAuth: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: 'The token of register or login. Developer Portal routes only.',
      },
    },
  },
});
