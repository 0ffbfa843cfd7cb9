import type { Context } from '../../../context.ts';
import { duplicateKeyFields } from '../../../infra/mongo-errors.ts';
import { sha256 } from '../../../lib/crypto.ts';
import { AppError } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Caller } from '../../../records/api/service.ts';
import type { Created, IdempotencyRequest } from '../../../records/idempotency.ts';
import type { RecordDocument } from '../../../records/record.ts';
import { updateRecord } from '../../../records/update.ts';
import type { Actor } from '../../../tenancy/actor.ts';
import { hasModule } from '../../../tenancy/workspaces/modules.ts';
import { getWorkspace } from '../../../tenancy/workspaces/service.ts';
import { companyEntity } from '../../sales/companies/record.ts';
import { companyService } from '../../sales/companies/service.ts';
import { dealEntity } from '../../sales/deals/record.ts';
import { dealService } from '../../sales/deals/service.ts';
import { contactEntity } from '../contacts/record.ts';
import { contactService } from '../contacts/service.ts';
import { type Lead, leadEntity } from '../leads/record.ts';
import { getLead } from '../leads/service.ts';
import { companyDraft, contactDraft, dealDraft, findCompany, findContact } from './drafts.ts';
import { type Conversion, conversions, type Finished, type Part } from './model.ts';
import type { ConversionInput } from './schema.ts';

/**
 * A lead becomes a contact, with a company and a deal. The conversion's row has the lead's id, so of any number of
 * requests one stores it, and it says what is to be made; from then on whoever comes across it goes on where it stands:
 * the request, another one for the same lead, or the sweep. Each part is made under an idempotency key of its own, in the
 * write that makes it, and noted in the row once; so a death at any line leaves neither two of them nor none.
 */

/**
 * @returns the lead's conversion, and whether it was there before
 * @throws AppError not_found, conflict (archived), invalid, insufficient_scope, module_disabled
 */
export async function convertLead(
  ctx: Context,
  caller: Caller,
  leadId: ObjectId,
  input: ConversionInput,
): Promise<{ conversion: Finished; isReplay: boolean }> {
  const { actor, workspace } = caller;
  const known = await conversions(ctx.db).findById(workspace._id, leadId);
  if (known) return { conversion: await finish(ctx, known), isReplay: true };
  const lead = await getLead(ctx, workspace._id, leadId);
  if (lead.archived) throw new AppError('conflict', { message: `${leadEntity.label} is archived` });
  await assertCanBeMade(ctx, caller, lead, input);
  const { kind, id, contract } = actor;
  const conversion: Conversion = {
    _id: leadId,
    workspaceId: workspace._id,
    input,
    author: { kind, id, ...(contract === undefined ? {} : { contract }) },
    at: ctx.clock.now(),
    isUnfinished: true,
  };
  const [error] = (await conversions(ctx.db).insertMany(workspace._id, [conversion])).values();
  if (error && !duplicateKeyFields(error)) throw error;
  return { conversion: await finish(ctx, conversion), isReplay: error !== undefined };
}

/** Everything that a client can do wrong is told before anything is written. */
async function assertCanBeMade(
  ctx: Context,
  caller: Caller,
  lead: Lead,
  input: ConversionInput,
): Promise<void> {
  const { workspace } = caller;
  const [company, contact] = [companyDraft(lead, input), contactDraft(lead, input)];
  const deal = dealDraft(lead, workspace, input, { leadId: lead._id.toHexString() });
  assertMay(caller, contactEntity);
  if (company) assertMay(caller, companyEntity);
  if (deal) assertMay(caller, dealEntity);
  if (company && !(await findCompany(ctx, workspace, company)))
    await within('company', companyService.prepare(ctx, caller, company));
  if (!(await findContact(ctx, workspace, contact)))
    await within('contact', contactService.prepare(ctx, caller, contact));
  if (deal) await within('deal', dealService.prepare(ctx, caller, deal));
}

type Guarded = Pick<typeof contactEntity, 'scopes' | 'module'>;

function assertMay({ actor, workspace }: Caller, { scopes, module }: Guarded): void {
  if (!hasModule(workspace, module)) throw new AppError('module_disabled');
  if (actor.scopes.has(scopes.write)) return;
  throw new AppError('insufficient_scope', {
    message: `To make that of a lead takes the scope ${scopes.write}`,
  });
}

/** Says in which part of the body what is wrong stands. */
async function within(part: string, prepared: Promise<unknown>): Promise<void> {
  try {
    await prepared;
  } catch (error) {
    if (!(error instanceof AppError) || !error.details) throw error;
    const details = Object.entries(error.details).map(([path, messages]) => [`${part}.${path}`, messages]);
    throw new AppError(error.code, { details: Object.fromEntries(details) });
  }
}

/**
 * Does what is left of a conversion. What can't be done any more, because the workspace is another one by now, ends it:
 * then the lead is as it was, and what was made of it is found by the next one.
 */
async function finish(ctx: Context, conversion: Conversion): Promise<Finished> {
  const { workspaceId, _id } = conversion;
  if (isFinished(conversion)) return conversion;
  try {
    return await goOn(ctx, conversion);
  } catch (error) {
    if (error instanceof AppError && error.status < 500)
      await conversions(ctx.db).deleteMany(workspaceId, { _id, isUnfinished: true });
    throw error;
  }
}

const isFinished = (conversion: Conversion): conversion is Finished => !conversion.isUnfinished;

async function goOn(
  ctx: Context,
  { _id: leadId, workspaceId, input, author, ...known }: Conversion,
): Promise<Finished> {
  const workspace = await getWorkspace(ctx, workspaceId);
  const lead = await getLead(ctx, workspaceId, leadId);
  const actor: Actor = {
    ...(author as Pick<Actor, 'kind' | 'id' | 'contract'>),
    workspaceId,
    scopes: new Set(),
    limits: ctx.config.rateLimit,
  };
  const caller = { actor, workspace };
  const onceFor = (part: string) => ({ key: sha256(`conversion ${leadId} ${part}`), request: 'conversion' });
  const note = (name: 'company' | 'contact' | 'deal', part: Part) =>
    noteOnce(ctx, workspaceId, leadId, name, part);

  let { company, contact, deal } = known;
  const newCompany = companyDraft(lead, input);
  if (!company && newCompany) {
    const find = () => findCompany(ctx, workspace, newCompany);
    const make = (once: IdempotencyRequest) => companyService.create(ctx, caller, newCompany, once);
    company = await note('company', await findOrMake(onceFor('company'), find, make));
  }
  if (!contact) {
    const newContact = contactDraft(lead, input, company?.id.toHexString());
    const find = () => findContact(ctx, workspace, newContact);
    const make = (once: IdempotencyRequest) => contactService.create(ctx, caller, newContact, once);
    contact = await note('contact', await findOrMake(onceFor('contact'), find, make));
  }
  const newDeal = dealDraft(lead, workspace, input, {
    leadId: leadId.toHexString(),
    contactId: contact.id.toHexString(),
    companyId: company?.id.toHexString(),
  });
  if (!deal && newDeal) {
    const { record } = await dealService.create(ctx, caller, newDeal, onceFor('deal'));
    deal = await note('deal', { id: record._id, isNew: true });
  }
  const convertedAt = await markLead(ctx, actor, lead, { company, contact, deal });
  const done = { $set: { convertedAt }, $unset: { isUnfinished: '' as const } };
  await conversions(ctx.db).updateOne(workspaceId, { _id: leadId, isUnfinished: true }, done, {
    hint: '_id_',
  });
  const conversion = await noted(ctx, workspaceId, leadId);
  return { ...conversion, contact, convertedAt: conversion.convertedAt ?? convertedAt };
}

/**
 * What is found may have been made by an earlier attempt at the same conversion: it bears its key.
 * @throws what `make` throws, when there is none to be found either
 */
async function findOrMake<T extends RecordDocument>(
  once: IdempotencyRequest,
  find: () => Promise<T | null>,
  make: (once: IdempotencyRequest) => Promise<Created<T>>,
): Promise<Part> {
  const found = await find();
  if (found) return { id: found._id, isNew: found.idempotency?.key === once.key };
  try {
    return { id: (await make(once)).record._id, isNew: true };
  } catch (error) {
    const isTaken = error instanceof AppError && error.code === 'conflict';
    // Made by another request this very moment.
    const other = isTaken ? await find() : null;
    if (!other) throw error;
    return { id: other._id, isNew: false };
  }
}

/** Of several that do the same the first one's part counts. */
async function noteOnce(
  ctx: Context,
  workspaceId: ObjectId,
  _id: ObjectId,
  name: 'company' | 'contact' | 'deal',
  part: Part,
): Promise<Part> {
  const isOpen = { _id, [name]: { $exists: false } };
  await conversions(ctx.db).updateOne(workspaceId, isOpen, { $set: { [name]: part } }, { hint: '_id_' });
  return (await noted(ctx, workspaceId, _id))[name] ?? part;
}

/** @throws AppError conflict when the conversion has been ended meanwhile */
async function noted(ctx: Context, workspaceId: ObjectId, _id: ObjectId): Promise<Conversion> {
  const conversion = await conversions(ctx.db).findById(workspaceId, _id);
  if (conversion) return conversion;
  throw new AppError('conflict', { message: 'The lead could not be converted; try again' });
}

type Parts = Pick<Conversion, 'company' | 'contact' | 'deal'>;

/** One that was archived meanwhile stays as it is. @returns when it was converted */
async function markLead(
  ctx: Context,
  actor: Actor,
  lead: Lead,
  { company, contact, deal }: Parts,
): Promise<Date> {
  const now = ctx.clock.now();
  const set = {
    status: 'converted',
    convertedAt: now,
    contactId: contact?.id.toHexString(),
    companyId: company?.id.toHexString(),
    dealId: deal?.id.toHexString(),
  };
  const revision = (current: Lead) => (current.convertedAt ? undefined : { set });
  const options = { isMark: true, isArchivedToo: true, action: 'converted' } as const;
  const marked = await updateRecord(ctx, leadEntity, actor, lead._id, revision, options);
  return marked.convertedAt ?? now;
}

/** Longer than a conversion takes. */
const abandonedAfterMs = 10_000;

/** Finishes conversions whose process died; they are the system's to finish, so it reads across workspaces. */
export async function sweepConversions(ctx: Context, signal: AbortSignal): Promise<void> {
  const before = new Date(ctx.clock.now().getTime() - abandonedAfterMs);
  const rows = await conversions(ctx.db)
    .acrossTenants.find({ isUnfinished: true, at: { $lt: before } }, { limit: 100, hint: 'unfinished' })
    .toArray();
  for (const row of rows) {
    if (signal.aborted) return;
    try {
      await finish(ctx, row as Conversion);
    } catch (error) {
      ctx.log.warn({ err: error, leadId: row._id.toHexString() }, 'a conversion could not be finished');
    }
  }
}
