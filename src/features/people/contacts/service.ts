import type { Context } from '../../../context.ts';
import { invalid } from '../../../lib/errors.ts';
import { recordService } from '../../../records/api/service.ts';
import { applyChange } from '../../../records/change.ts';
import { fitsMetadata, tooLargeMetadata } from '../../../records/entity/structured-kinds.ts';
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

export const { create: createContact, get: getContact } = contactService;

/** The live contact with this mobile number, written in any way. */
export const findContactByPhone = (
  ctx: Context,
  workspace: Workspace,
  phone: string,
): Promise<Contact | null> => findLiveByPhone(ctx, contactEntity, workspace, phone);
