/** The scopes of the native document's table. */
const documentedScopes = [
  'lead.read',
  'lead.write',
  'property.read',
  'property.write',
  'contact.read',
  'contact.write',
  'customer.read',
  'customer.write',
  'task.read',
  'task.write',
  'webhook.manage',
  'metadata.read',
  'team.read',
] as const;

/** For what the document doesn't know; no documented request needs one. Keys, roles and texts follow from this list. */
const furtherScopes = ['message.read', 'message.send'] as const;

/** What a key can be allowed. A scope ends in a verb, and the verb tells which role has it. */
export const scopes = [...documentedScopes, ...furtherScopes] as const;
export type Scope = (typeof scopes)[number];
