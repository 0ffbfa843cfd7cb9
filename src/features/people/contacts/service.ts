import type { Context } from '../../../context.ts';
import { invalid } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { recordService } from '../../../records/api/service.ts';
import { applyChange } from '../../../records/change.ts';
import { fitsMetadata, tooLargeMetadata } from '../../../records/entity/structured-kinds.ts';
import { listRecordsByOffset } from '../../../records/list.ts';
import type { OffsetPage } from '../../../records/offset.ts';
import type { Page } from '../../../records/page.ts';
import { type SearchQuery, searchRecords } from '../../../records/search/search.ts';
import { findLiveByPhone } from '../../../records/unique.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import { completeNames, reviseNames } from '../names.ts';
import { type Contact, contactEntity } from './record.ts';

export const contactService = recordService(contactEntity, {
  complete: (_ctx, _caller, contact) => completeNames(contact),
  revise: (_ctx, change, given) => (current) => {
    const revised = reviseNames(change, given, current);
    const { metadata } = change.merge.metadata ? applyChange(current, revised) : {};
    if (metadata && !fitsMetadata(metadata)) throw invalid('metadata', tooLargeMetadata);
    return revised;
  },
});

export const { create: createContact, find: findContact, get: getContact } = contactService;

/** The live contact with this mobile number, written in any way. */
export const findContactByPhone = (
  ctx: Context,
  workspace: Workspace,
  phone: string,
): Promise<Contact | null> => findLiveByPhone(ctx, contactEntity, workspace, phone);

/** Live contacts by limit and offset, newest first. */
export const listContactsByOffset = (
  ctx: Context,
  workspaceId: ObjectId,
  query: Parameters<typeof listRecordsByOffset>[3],
): Promise<OffsetPage<Contact>> => listRecordsByOffset(ctx, contactEntity, workspaceId, query);

/** Live contacts by any of their fields, newest first. */
export const searchContacts = (
  ctx: Context,
  workspace: Workspace,
  query: SearchQuery,
): Promise<Page<Contact>> => searchRecords(ctx, contactEntity, workspace, query);
