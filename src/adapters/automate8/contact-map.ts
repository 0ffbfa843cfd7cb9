import { z } from 'zod';
import type { Contact, ContactDraft } from '../../features/people/contacts/record.ts';
import { joinName, partsOf } from '../../features/people/names.ts';
import { calendarDay, email, longText, phoneNumber, shortText, tagList } from '../../lib/schemas.ts';
import { toUuid } from '../../lib/uuid.ts';
import { optional, timeOut, uuidOut, workspaceGiven } from './schema.ts';

/** Contacts between this contract's words and the native ones. */

export const contactInput = z
  .object({
    workspace_id: workspaceGiven,
    firstname: shortText,
    lastname: shortText,
    phone_number: phoneNumber,
    email: optional(email),
    lead_status: optional(shortText),
    lead_source: optional(shortText),
    product: optional(shortText),
    address: optional(shortText),
    city: optional(shortText),
    state: optional(shortText),
    zip: optional(shortText),
    notes: optional(longText),
    tags: optional(tagList).describe('Unknown ones become tags'),
    priority: optional(shortText),
    opt_in_through: optional(shortText),
    follow_up_date: optional(calendarDay),
    webhook_name: optional(shortText),
  })
  .meta({ id: 'ContactInput' });

export const contactOut = z
  .object({
    id: uuidOut,
    phone_number: z.string().nullable(),
    workspace_id: z.string(),
    name: z.string(),
    email: z.string().nullable(),
    created_at: timeOut,
    updated_at: timeOut,
    firstname: z.string().nullable(),
    lastname: z.string().nullable(),
    lead_source: z.string().nullable(),
    lead_status: z.string().nullable(),
    product: z.string().nullable(),
    address: z.string().nullable(),
    city: z.string().nullable(),
    state: z.string().nullable(),
    zip: z.string().nullable(),
    notes: z.string().nullable(),
    tags: z.array(z.string()),
    priority: z.string().nullable(),
    opt_in_through: z.string().nullable(),
    follow_up_date: z.string().nullable(),
    webhook_name: z.string().nullable(),
  })
  .meta({ id: 'Contact' });

/** @throws AppError invalid for a name that is too long as a whole */
export function toNativeContact(given: z.output<typeof contactInput>): ContactDraft {
  const { address: street, city, state, zip } = given;
  const hasAddress = [street, city, state, zip].some((part) => part !== undefined);
  return {
    name: joinName(given.firstname, given.lastname),
    firstName: given.firstname,
    lastName: given.lastname,
    mobileNumber: given.phone_number,
    email: given.email,
    status: given.lead_status,
    source: given.lead_source,
    product: given.product,
    address: hasAddress ? { street, city, state, zip } : undefined,
    notes: given.notes,
    tags: given.tags,
    priority: given.priority,
    optInThrough: given.opt_in_through,
    followUpDate: given.follow_up_date,
    webhookName: given.webhook_name,
  };
}

export function toContact(contact: Contact): z.output<typeof contactOut> {
  const { firstName, lastName } = partsOf(contact);
  const { address = {} } = contact;
  return {
    id: toUuid(contact._id),
    phone_number: contact.mobileNumber ?? null,
    workspace_id: contact.workspaceId.toHexString(),
    name: contact.name,
    email: contact.email ?? null,
    created_at: contact.createdAt.toISOString(),
    updated_at: contact.updatedAt.toISOString(),
    firstname: firstName ?? null,
    lastname: lastName ?? null,
    lead_source: contact.source ?? null,
    lead_status: contact.status ?? null,
    product: contact.product ?? null,
    address: address.street ?? null,
    city: address.city ?? null,
    state: address.state ?? null,
    zip: address.zip ?? null,
    notes: contact.notes ?? null,
    tags: contact.tags ?? [],
    priority: contact.priority ?? null,
    opt_in_through: contact.optInThrough ?? null,
    follow_up_date: contact.followUpDate ?? null,
    webhook_name: contact.webhookName ?? null,
  };
}
