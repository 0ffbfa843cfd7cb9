import type { Context } from '../../../context.ts';
import { duplicate, notFound } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { normalisePhone, requirePhone } from '../../../lib/phone.ts';
import {
  type Caller,
  createRecord,
  type RecordService,
  type UpdateRequest,
} from '../../../records/api/service.ts';
import { changeOf } from '../../../records/change.ts';
import type { Created, IdempotencyRequest } from '../../../records/idempotency.ts';
import type { Entity, Managed } from '../../../records/record.ts';
import { updateRecord } from '../../../records/update.ts';
import { assertMembers } from '../../../tenancy/members/service.ts';
import { assertCustomFields } from '../../../tenancy/workspaces/custom-fields.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import { discoverMetadata } from '../../../tenancy/workspaces/service.ts';
import { type Contact, contacts } from './model.ts';
import { presentContact } from './present.ts';
import type { ContactInput, ContactPatch } from './schema.ts';

export const contactEntity: Entity<Contact> = {
  label: 'Contact',
  collection: contacts,
  facets: {
    name: 'words',
    mobileNumber: 'phone',
    phone: 'phone',
    email: 'email',
    company: 'value',
    source: 'value',
    tags: 'value',
    assignedTo: 'value',
    fields: 'map',
  },
  events: { created: 'contact.created', updated: 'contact.updated' },
  present: presentContact,
};

export const contactService: RecordService<Contact> = {
  prepare: prepareContact,
  update: updateContact,
  duplicateError: duplicateContact,
};

/** What a contact can be made of; the native contract demands a phone number, others are content with an email. */
export type ContactDraft = Partial<ContactInput> & Pick<ContactInput, 'name'>;

/** Checks a draft against the workspace. @throws AppError invalid */
export async function prepareContact(
  ctx: Context,
  caller: Caller,
  draft: ContactDraft,
): Promise<Omit<Contact, Managed>> {
  const { workspace } = caller;
  assertCustomFields(workspace, 'contact', draft.fields, 'create');
  await assertMembers(ctx, workspace._id, 'assignedTo', draft.assignedTo);
  await discoverMetadata(ctx, workspace, { tags: draft.tags, source: draft.source });
  return { ...draft, mobileE164: e164Of(workspace, draft.mobileNumber) };
}

/** Creates a contact, or answers with the one that an earlier request with the same key created. @throws AppError */
export const createContact = (
  ctx: Context,
  caller: Caller,
  draft: ContactDraft,
  idempotency?: IdempotencyRequest,
): Promise<Created<Contact>> =>
  createRecord(ctx, { entity: contactEntity, service: contactService }, caller, draft, idempotency);

/** Changes a contact as PUT and PATCH do. @throws AppError */
export async function updateContact(
  ctx: Context,
  caller: Caller,
  id: ObjectId,
  body: Partial<ContactInput> | ContactPatch,
  request: UpdateRequest,
): Promise<Contact> {
  const { workspace } = caller;
  assertCustomFields(workspace, 'contact', body.fields, 'change');
  await assertMembers(ctx, workspace._id, 'assignedTo', body.assignedTo ?? undefined);
  await discoverMetadata(ctx, workspace, {
    tags: body.tags ?? undefined,
    source: body.source ?? undefined,
  });
  const change = changeOf(body, request);
  const mobileE164 = e164Of(workspace, body.mobileNumber);
  if (mobileE164 !== undefined) change.set.mobileE164 = mobileE164;
  return updateRecord(ctx, contactEntity, workspace._id, id, change, {
    ifMatch: request.ifMatch,
    onDuplicate: () => duplicateContact(ctx, workspace._id, { mobileE164 }),
  });
}

const e164Of = (workspace: Workspace, mobileNumber: string | undefined): string | undefined =>
  mobileNumber === undefined
    ? undefined
    : requirePhone('mobileNumber', mobileNumber, workspace.defaultCountry);

async function duplicateContact(
  ctx: Context,
  workspaceId: ObjectId,
  { mobileE164 }: Pick<Contact, 'mobileE164'>,
): Promise<Error> {
  const existing = mobileE164 ? await findLiveContact(ctx, workspaceId, mobileE164) : null;
  return duplicate(
    'Duplicate contact found',
    existing
      ? {
          contactId: existing._id.toHexString(),
          name: existing.name,
          createdAt: existing.createdAt.toISOString(),
        }
      : undefined,
  );
}

/** The contact with this normalised number that is not archived. */
const findLiveContact = (ctx: Context, workspaceId: ObjectId, mobileE164: string): Promise<Contact | null> =>
  contacts(ctx.db).findOne(workspaceId, { mobileE164, archived: false }, { hint: 'unique_phone' });

/** The live contact with this mobile number, written in any way. */
export async function findContactByPhone(
  ctx: Context,
  workspace: Workspace,
  phone: string,
): Promise<Contact | null> {
  const normalised = normalisePhone(phone, workspace.defaultCountry);
  return normalised ? findLiveContact(ctx, workspace._id, normalised) : null;
}

/** @throws AppError not_found */
export async function getContact(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Contact> {
  const contact = await contacts(ctx.db).findById(workspaceId, id);
  if (!contact) throw notFound('Contact');
  return contact;
}
