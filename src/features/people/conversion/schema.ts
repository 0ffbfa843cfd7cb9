import { z } from 'zod';
import { dateTimeOut } from '../../../lib/schemas.ts';
import { companyEntity } from '../../sales/companies/record.ts';
import { dealEntity } from '../../sales/deals/record.ts';
import { contactEntity } from '../contacts/record.ts';

export const conversionInput = z
  .object({
    contact: contactEntity.schemas.patch
      .optional()
      .describe('Of the contact, besides what the lead has; one with its number or address is found'),
    company: companyEntity.schemas.patch
      .nullable()
      .optional()
      .describe('The same of the company: one with its domain or name is found. null: none'),
    deal: dealEntity.schemas.patch
      .nullable()
      .optional()
      .describe('Of the deal; its title is the lead’s name, its value the lead’s. null: none'),
  })
  .meta({ id: 'LeadConversionInput' });

export type ConversionInput = z.output<typeof conversionInput>;

const part = z.object({ _id: z.string(), isNew: z.boolean().describe('Made now, as opposed to found') });

export const conversionOut = z
  .object({
    leadId: z.string(),
    contact: part,
    company: part.optional(),
    deal: part.optional(),
    convertedAt: dateTimeOut,
  })
  .meta({ id: 'LeadConversion' });

export type ConversionOut = z.output<typeof conversionOut>;
