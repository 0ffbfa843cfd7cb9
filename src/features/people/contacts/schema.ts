import { z } from 'zod';
import {
  customFields,
  customFieldsOut,
  dateTimeOut,
  email,
  filterText,
  nullable,
  phoneNumber,
  shortText,
  tagList,
} from '../../../lib/schemas.ts';

export const contactInput = z
  .object({
    name: shortText,
    mobileNumber: phoneNumber.describe(
      'Primary mobile number; a live contact with the same number is a duplicate',
    ),
    email: email.optional(),
    phone: phoneNumber.optional().describe('A second number'),
    company: shortText.optional(),
    source: shortText.optional(),
    tags: tagList.optional(),
    assignedTo: z.string().optional().describe('User id of a team member'),
    fields: customFields.optional(),
  })
  .meta({ id: 'ContactInput' });

export const contactPatch = z
  .object({
    name: shortText.optional(),
    mobileNumber: phoneNumber.optional(),
    email: nullable(email),
    phone: nullable(phoneNumber),
    company: nullable(shortText),
    source: nullable(shortText),
    tags: nullable(tagList),
    assignedTo: nullable(z.string()),
    fields: customFields.optional(),
  })
  .meta({ id: 'ContactPatch' });

export const contactOut = z
  .object({
    _id: z.string(),
    workspaceId: z.string(),
    name: z.string(),
    mobileNumber: z.string().optional(),
    email: z.string().optional(),
    phone: z.string().optional(),
    company: z.string().optional(),
    source: z.string().optional(),
    tags: z.array(z.string()).optional(),
    assignedTo: z.string().optional(),
    fields: customFieldsOut.optional(),
    archivedAt: dateTimeOut.optional(),
    createdAt: dateTimeOut,
    updatedAt: dateTimeOut,
  })
  .meta({ id: 'Contact' });

export type ContactInput = z.output<typeof contactInput>;
export type ContactPatch = z.output<typeof contactPatch>;
export type ContactOut = z.output<typeof contactOut>;

export const contactFilters = {
  email: { schema: email.optional(), field: 'email' },
  tag: { schema: filterText, field: 'tags' },
  company: { schema: filterText, field: 'company' },
  source: { schema: filterText, field: 'source' },
  assignedTo: { schema: filterText, field: 'assignedTo' },
};
