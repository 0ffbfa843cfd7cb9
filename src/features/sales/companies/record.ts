import { type DocumentOf, type DraftOf, type EntityTypesOf, entity } from '../../../records/entity/entity.ts';
import {
  customFields,
  longText,
  member,
  money,
  phone,
  reference,
  tags,
  text,
} from '../../../records/entity/kinds.ts';
import { mergeFields } from '../../../records/entity/merge-fields.ts';
import { address, domain, linkedinUrl, number } from '../../../records/entity/structured-kinds.ts';

const employeesMax = 100_000_000;
const revenueMax = 1e15;

/** An organisation that people work for and deals are made with. Companies form a tree (see tree.ts). */
export const companyEntity = entity({
  name: 'company',
  path: '/companies',
  bulk: true,
  fields: {
    name: text({ required: true, search: true }),
    domain: domain({
      filter: true,
      unique: { index: 'unique_domain', reason: 'Duplicate domain' },
      describe: 'As in example.com; a live company with the same domain is a duplicate',
    }),
    website: text(),
    industry: text({ filter: true }),
    employees: number({ min: 0, max: employeesMax, step: 1 }),
    annualRevenue: money({ min: 0, max: revenueMax, describe: "In the workspace's currency" }),
    linkedinUrl: linkedinUrl({ filter: true }),
    phone: phone({ search: true }),
    address: address(),
    description: longText(),
    parentId: reference('company', {
      live: true,
      filter: true,
      title: 'Parent company',
      describe: 'The company that this one belongs to',
    }),
    territory: text({ filter: true }),
    tags: tags({ filter: true }),
    assignedTo: member({ filter: true }),
    fields: customFields(),
    ...mergeFields('company'),
  },
});

export type Company = DocumentOf<typeof companyEntity>;
export type CompanyDraft = DraftOf<typeof companyEntity>;
export type CompanyTypes = EntityTypesOf<typeof companyEntity>;
