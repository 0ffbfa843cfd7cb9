import { z } from 'zod';
import {
  customFields,
  customFieldsOut,
  dateTimeOut,
  email,
  filterText,
  longText,
  nullable,
  phoneNumber,
  shortText,
  tagList,
} from '../../../lib/schemas.ts';
import { leadPriorities } from './model.ts';

const dealValue = z.number().min(0).max(1e15).describe("In the workspace's currency");

const optional = {
  email,
  company: shortText,
  city: shortText,
  status: shortText,
  leadStage: shortText,
  source: shortText,
  priority: z.enum(leadPriorities),
  dealValue,
  tags: tagList,
  description: longText,
  assignedTo: z.string().describe('User id of a team member'),
  fields: customFields,
};

export const leadInput = z
  .object({
    name: shortText,
    mobileNumber: phoneNumber.describe(
      'Primary mobile number; a live lead with the same number is a duplicate',
    ),
    ...z.object(optional).partial().shape,
  })
  .meta({ id: 'LeadInput' });

export const leadPatch = z
  .object({
    name: shortText.optional(),
    mobileNumber: phoneNumber.optional(),
    email: nullable(email),
    company: nullable(shortText),
    city: nullable(shortText),
    status: nullable(shortText),
    leadStage: nullable(shortText),
    source: nullable(shortText),
    priority: z.enum(leadPriorities).optional(),
    dealValue: nullable(dealValue),
    tags: nullable(tagList),
    description: nullable(longText),
    assignedTo: nullable(z.string()),
    fields: customFields.optional(),
  })
  .meta({ id: 'LeadPatch' });

export const leadOut = z
  .object({
    _id: z.string(),
    workspaceId: z.string(),
    name: z.string(),
    mobileNumber: z.string().optional(),
    email: z.string().optional(),
    company: z.string().optional(),
    city: z.string().optional(),
    status: z.string().optional(),
    leadStage: z.string().optional(),
    source: z.string().optional(),
    priority: z.enum(leadPriorities).optional(),
    dealValue: z.number().optional(),
    tags: z.array(z.string()).optional(),
    description: z.string().optional(),
    assignedTo: z.string().optional(),
    fields: customFieldsOut.optional(),
    customerId: z.string().optional(),
    archivedAt: dateTimeOut.optional(),
    createdAt: dateTimeOut,
    updatedAt: dateTimeOut,
  })
  .meta({ id: 'Lead' });

export type LeadInput = z.output<typeof leadInput>;
export type LeadPatch = z.output<typeof leadPatch>;
export type LeadOut = z.output<typeof leadOut>;

export const leadFilters = {
  status: { schema: filterText, field: 'status' },
  leadStage: { schema: filterText, field: 'leadStage' },
  tag: { schema: filterText, field: 'tags' },
  source: { schema: filterText, field: 'source' },
  priority: { schema: filterText, field: 'priority' },
  assignedTo: { schema: filterText, field: 'assignedTo' },
};
