import type { Context } from '../../../context.ts';
import { recordService } from '../../../records/api/service.ts';
import { findLiveByPhone } from '../../../records/unique.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import { type Contact, contactEntity } from './record.ts';

export const contactService = recordService(contactEntity);

export const { create: createContact, get: getContact } = contactService;

/** The live contact with this mobile number, written in any way. */
export const findContactByPhone = (
  ctx: Context,
  workspace: Workspace,
  phone: string,
): Promise<Contact | null> => findLiveByPhone(ctx, contactEntity, workspace, phone);
