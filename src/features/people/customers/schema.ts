import { z } from 'zod';
import {
  customFields,
  customFieldsOut,
  dateTime,
  dateTimeOut,
  email,
  filterText,
  longText,
  money,
  nullable,
  phoneNumber,
  shortText,
} from '../../../lib/schemas.ts';

const assignedTo = z.union([z.string(), z.array(z.string()).max(100)]);

const deal = {
  assignedTo: assignedTo.describe('User id of a team member, or several'),
  selectedPropertyId: z.string().describe('Id of a property of this workspace'),
  customPropertyName: shortText.describe('Of a property that is not in the inventory'),
  dealDate: dateTime,
  dealAmount: money.describe("In the workspace's currency"),
  commissionAmount: money,
  successNotes: longText,
};

const reachedBy = { email, phone: phoneNumber, mobileNumber: phoneNumber };

export const customerInput = z
  .object({
    leadId: z.string().describe('A lead of this workspace; it becomes converted'),
    name: shortText,
    ...z.object(deal).partial().shape,
    fields: customFields.optional(),
  })
  .meta({ id: 'CustomerInput' });

/**
 * The document lets PUT take a contact's body; a customer's own body is what one would expect. Both work, each with what
 * it requires: the name, and the mobile number of the one or the lead of the other.
 */
export const customerUpdate = z
  .object({
    name: shortText,
    leadId: z.string().optional().describe('Can be restated, not changed'),
    ...z.object({ ...deal, ...reachedBy }).partial().shape,
    fields: customFields.optional(),
  })
  .superRefine((body, context) => {
    if (body.leadId !== undefined || body.mobileNumber !== undefined) return;
    const message = 'Required, unless leadId is given';
    context.addIssue({ code: 'custom', path: ['mobileNumber'], message });
  })
  .meta({ id: 'CustomerUpdate', anyOf: [{ required: ['mobileNumber'] }, { required: ['leadId'] }] });

export const customerPatch = z
  .object({
    name: shortText.optional(),
    leadId: z.string().optional().describe('Can be restated, not changed'),
    email: nullable(email),
    phone: nullable(phoneNumber),
    mobileNumber: nullable(phoneNumber),
    assignedTo: nullable(assignedTo),
    selectedPropertyId: nullable(z.string()),
    customPropertyName: nullable(shortText),
    dealDate: nullable(dateTime),
    dealAmount: nullable(money),
    commissionAmount: nullable(money),
    successNotes: nullable(longText),
    fields: customFields.optional(),
  })
  .meta({ id: 'CustomerPatch' });

export const customerOut = z
  .object({
    _id: z.string(),
    workspaceId: z.string(),
    leadId: z.string(),
    name: z.string(),
    email: z.string().optional(),
    phone: z.string().optional(),
    mobileNumber: z.string().optional(),
    assignedTo: z.union([z.string(), z.array(z.string())]).optional(),
    selectedPropertyId: z.string().optional(),
    customPropertyName: z.string().optional(),
    dealDate: dateTimeOut.optional(),
    dealAmount: z.number().optional(),
    commissionAmount: z.number().optional(),
    successNotes: z.string().optional(),
    fields: customFieldsOut.optional(),
    archivedAt: dateTimeOut.optional(),
    createdAt: dateTimeOut,
    updatedAt: dateTimeOut,
  })
  .meta({ id: 'Customer' });

export type CustomerInput = z.output<typeof customerInput>;
export type CustomerUpdate = z.output<typeof customerUpdate>;
export type CustomerPatch = z.output<typeof customerPatch>;
export type CustomerOut = z.output<typeof customerOut>;

export const customerFilters = {
  assignedTo: { schema: filterText, field: 'assignedTo' },
  leadId: { schema: filterText, field: 'leadId' },
  selectedPropertyId: { schema: filterText, field: 'selectedPropertyId' },
};
