import type { Context } from '../../../context.ts';
import { withoutUndefined } from '../../../lib/clean.ts';
import { amountOf } from '../../../lib/money.ts';
import type { DraftOf } from '../../../records/entity/entity.ts';
import { facet, searchFacets } from '../../../records/facets.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import { hasModule } from '../../../tenancy/workspaces/modules.ts';
import { type Company, type CompanyDraft, companyEntity } from '../../sales/companies/record.ts';
import { findCompanyByDomain } from '../../sales/companies/service.ts';
import { type DealDraft, dealEntity } from '../../sales/deals/record.ts';
import { type Contact, contactEntity } from '../contacts/record.ts';
import { findContactByPhone } from '../contacts/service.ts';
import type { Lead } from '../leads/record.ts';
import type { ConversionInput } from './schema.ts';

/** What the parts of a conversion are made of, and which of them there are already. */

type ContactDraft = DraftOf<typeof contactEntity>;

/** In a body that makes something, null is what was left out. */
const given = <T extends object>(body: T | null | undefined) =>
  Object.fromEntries(Object.entries(body ?? {}).filter(([, value]) => value !== null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };

export function contactDraft(lead: Lead, { contact }: ConversionInput, companyId?: string): ContactDraft {
  const { name, firstName, lastName, mobileNumber, email, company, source, leadScore, tags, assignedTo } =
    lead;
  const { city, country } = lead;
  const address = city || country ? withoutUndefined({ city, country }) : undefined;
  const own = {
    firstName,
    lastName,
    mobileNumber,
    email,
    company,
    source,
    leadScore,
    tags,
    assignedTo,
    address,
  };
  return { name, ...withoutUndefined({ ...own, companyId }), ...given(contact) };
}

/** Undefined where there is to be no company, or nothing that names one. */
export function companyDraft(lead: Lead, { company }: ConversionInput): CompanyDraft | undefined {
  if (company === null) return undefined;
  const draft = given(company);
  const name = draft.name ?? lead.company ?? draft.domain;
  return name === undefined ? undefined : { ...draft, name };
}

/** Undefined where there is to be no deal. */
export function dealDraft(
  lead: Lead,
  workspace: Workspace,
  { deal }: ConversionInput,
  parts: Pick<DealDraft, 'leadId' | 'contactId' | 'companyId'>,
): DealDraft | undefined {
  // Nobody asked for what the workspace has switched off.
  if (deal === null || (deal === undefined && !hasModule(workspace, dealEntity.module))) return undefined;
  const { name: title, source, assignedTo, dealValue } = lead;
  const money = { value: amountOf(dealValue), currency: dealValue?.currency };
  return {
    title,
    ...withoutUndefined({ source, assignedTo, ...money, ...parts }),
    ...given(deal),
  } as DealDraft;
}

/** The live contact with the draft's number, or else with its address. */
export async function findContact(
  ctx: Context,
  workspace: Workspace,
  { mobileNumber, email }: ContactDraft,
): Promise<Contact | null> {
  const byPhone = mobileNumber ? await findContactByPhone(ctx, workspace, mobileNumber) : null;
  if (byPhone || !email) return byPhone;
  const filter = { archived: false, facets: facet('email', email) };
  const options = { hint: 'filtered_list', sort: { createdAt: 1, _id: 1 } } as const;
  return contactEntity.collection(ctx.db).findOne(workspace._id, filter, options);
}

/** Of companies that begin with the same word so many are looked at. */
const namesakesMax = 200;

/** The live company with the draft's domain; of a draft without one the oldest with its name. */
export async function findCompany(
  ctx: Context,
  workspace: Workspace,
  { name, domain }: CompanyDraft,
): Promise<Company | null> {
  if (domain) return findCompanyByDomain(ctx, workspace._id, domain);
  const [words] = searchFacets({ name: 'words' }, name);
  if (!words) return null;
  const companies = await companyEntity
    .collection(ctx.db)
    .findPage(
      workspace._id,
      { archived: false, facets: { $in: words } },
      { hint: 'filtered_list', sort: { createdAt: 1, _id: 1 }, limit: namesakesMax },
    );
  return companies.find((company) => company.name.toLowerCase() === name.trim().toLowerCase()) ?? null;
}
