import { z } from 'zod';
import type { Context } from '../../context.ts';
import type { Contact } from '../../features/people/contacts/record.ts';
import {
  findContact,
  findContactByPhone,
  listContactsByOffset,
  searchContacts as searchForContacts,
} from '../../features/people/contacts/service.ts';
import { partsOf } from '../../features/people/names.ts';
import { calendarDay, dateTime, filterText } from '../../lib/schemas.ts';
import { startOfDay } from '../../lib/time-zone.ts';
import { fromUuid } from '../../lib/uuid.ts';
import type { Caller } from '../../records/api/service.ts';
import type { OffsetPage } from '../../records/offset.ts';
import type { SearchFilter } from '../../records/search/schema.ts';
import type { Workspace } from '../../tenancy/workspaces/model.ts';
import { badRequest } from './errors.ts';
import { isBlank } from './required.ts';
import { limitGiven, offsetGiven, optional, workspaceGiven } from './schema.ts';

/** The contract's two searches for contacts. */

const given = optional(filterText);

export const searchQuery = z.object({
  workspace_id: workspaceGiven,
  id: given,
  phone: given.describe('However it is written'),
  email: given.describe('The whole address'),
  firstname: given.describe('How it begins'),
  lastname: given.describe('How it begins'),
});

/** A day, or a point in time. */
const since = optional(z.union([calendarDay, dateTime]));

export const enhancedQuery = z.object({
  workspace_id: workspaceGiven,
  contact_id: given,
  phone_number: given.describe('However it is written'),
  lead_status: given.describe('Letter by letter'),
  tag: given.describe('In any case'),
  follow_up_date: optional(calendarDay),
  webhook_name: given,
  from_date: since.describe('Created then or later; a day is one of the workspace'),
  to_date: since.describe('Created then or earlier; a day is one of the workspace'),
  limit: limitGiven(20),
  offset: offsetGiven,
});

type Search = z.output<typeof searchQuery>;
type Enhanced = z.output<typeof enhancedQuery>;

/** A search has no pages, so this is all that it shows. */
const rowsMax = 100;
/** Each looks at a bounded number of contacts. */
const pagesMax = 5;

/** Live contacts that all of the parameters fit, newest first. @throws AppError bad_request without one */
export async function searchContacts(
  ctx: Context,
  workspace: Workspace,
  { id, phone, email, firstname, lastname }: Search,
): Promise<Contact[]> {
  if ([id, phone, email, firstname, lastname].every(isBlank)) {
    throw badRequest('At least one search parameter is required: id, phone, email, firstname, or lastname');
  }
  // Of an address only a part is given; others have it whole.
  if (email !== undefined && !email.includes('@')) return [];
  const known = await knownContact(ctx, workspace, id, phone);
  if (known !== undefined) {
    const { firstName, lastName } = known ? partsOf(known) : {};
    const isFitting =
      isOneOf(email, [known?.email ?? '']) && isBegun(firstname, firstName) && isBegun(lastname, lastName);
    return known && isFitting ? [known] : [];
  }
  const filters = [
    ...(email === undefined ? [] : [filter('email', 'eq', email)]),
    ...(firstname === undefined ? [] : [filter('firstName', 'prefix', firstname)]),
    ...(lastname === undefined ? [] : [filter('lastName', 'prefix', lastname)]),
  ];
  const found: Contact[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax && found.length < rowsMax; page += 1) {
    const query = { filterGroups: [{ filters }], limit: rowsMax - found.length, cursor };
    const { records, nextCursor } = await searchForContacts(ctx, workspace, query);
    found.push(...records);
    if (nextCursor === null) break;
    cursor = nextCursor;
  }
  return found;
}

const isBegun = (start: string | undefined, text = ''): boolean =>
  start === undefined || text.toLowerCase().startsWith(start.toLowerCase());

const filter = (field: string, operator: SearchFilter['operator'], value: string): SearchFilter => ({
  field,
  operator,
  value,
});

/** Live contacts by limit and offset, newest first. @throws AppError bad_request where only dates are given */
export async function findContacts(
  ctx: Context,
  { actor, workspace }: Caller,
  query: Enhanced,
): Promise<OffsetPage<Contact>> {
  const { contact_id, phone_number, lead_status, tag, follow_up_date, webhook_name, limit, offset } = query;
  if ([contact_id, phone_number, lead_status, tag, follow_up_date, webhook_name].every(isBlank)) {
    throw badRequest(
      'At least one search parameter is required: contact_id, phone_number, lead_status, tag, follow_up_date, or webhook_name',
    );
  }
  const span = spanOf(query, workspace.timezone);
  const known = await knownContact(ctx, workspace, contact_id, phone_number);
  if (known !== undefined) {
    const matching = known && isMatching(known, query, span) ? [known] : [];
    const records = matching.slice(offset, offset + limit);
    return { records, limit, total: matching.length, isTotalExact: true, hasMore: false };
  }
  return listContactsByOffset(ctx, workspace._id, {
    limit,
    offset,
    reader: actor.id,
    filters: {
      ...(tag === undefined ? {} : { tags: tag }),
      ...(lead_status === undefined ? {} : { status: lead_status }),
      ...(follow_up_date === undefined ? {} : { followUpDate: follow_up_date }),
      ...(webhook_name === undefined ? {} : { webhookName: webhook_name }),
    },
    // Filters tell no cases apart.
    checks: lead_status === undefined ? [] : [{ status: lead_status }],
    omit: ['fields', 'metadata', 'organisation'],
    createdAfter: span.from,
    createdBefore: span.before,
  });
}

/**
 * The one contact that an id and a number can mean; undefined where neither is given, null where there is none.
 * What a URL makes a space of was a plus.
 */
async function knownContact(
  ctx: Context,
  workspace: Workspace,
  id: string | undefined,
  phone: string | undefined,
): Promise<Contact | null | undefined> {
  if (id === undefined && phone === undefined) return undefined;
  const contactId = id === undefined ? undefined : fromUuid(id);
  if (id !== undefined && !contactId) return null;
  const byPhone = phone && (await findContactByPhone(ctx, workspace, phone.replace(/^ /, '+')));
  if (!contactId) return byPhone || null;
  if (phone !== undefined) return byPhone && contactId.equals(byPhone._id) ? byPhone : null;
  const found = await findContact(ctx, workspace._id, contactId);
  return found && !found.archived ? found : null;
}

interface Span {
  from: Date | undefined;
  before: Date | undefined;
}

/** Both ends are in it. */
function spanOf({ from_date: from, to_date: to }: Enhanced, timezone: string): Span {
  return {
    from: typeof from === 'string' ? startOfDay(from, timezone) : from,
    before: typeof to === 'string' ? startOfDay(to, timezone, 1) : to && new Date(to.getTime() + 1),
  };
}

const isMatching = (contact: Contact, query: Enhanced, { from, before }: Span): boolean =>
  isOneOf(query.tag, contact.tags) &&
  isOneOf(query.webhook_name, [contact.webhookName ?? '']) &&
  (query.lead_status === undefined || contact.status === query.lead_status) &&
  (query.follow_up_date === undefined || contact.followUpDate === query.follow_up_date) &&
  (!from || contact.createdAt >= from) &&
  (!before || contact.createdAt < before);

const isOneOf = (wanted: string | undefined, values: readonly string[] = []): boolean =>
  wanted === undefined || values.some((value) => value.toLowerCase() === wanted.toLowerCase());
