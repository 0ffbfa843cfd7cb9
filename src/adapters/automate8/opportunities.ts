import { z } from 'zod';
import type { Context } from '../../context.ts';
import { listActivitiesAbout } from '../../features/engagement/activities/service.ts';
import { findContact } from '../../features/people/contacts/service.ts';
import { findCompany } from '../../features/sales/companies/service.ts';
import type { Deal } from '../../features/sales/deals/record.ts';
import {
  archiveDeal,
  createDeal,
  getDeal,
  moveDeal,
  updateDeal,
} from '../../features/sales/deals/service.ts';
import { findPipeline } from '../../features/sales/pipelines/service.ts';
import type { Routes } from '../../http.ts';
import { invalid } from '../../lib/errors.ts';
import { parseId } from '../../lib/ids.ts';
import { fromUuid, toUuid } from '../../lib/uuid.ts';
import { lastRowOf } from '../../records/owe.ts';
import type { Actor } from '../../tenancy/actor.ts';
import { findMember } from '../../tenancy/members/service.ts';
import { listOpportunities, opportunityQuery } from './opportunity-list.ts';
import {
  type Around,
  opportunityChanges,
  opportunityDetails,
  opportunityInput,
  opportunityOut,
  toActivity,
  toNativeChanges,
  toNativeDeal,
  toOpportunity,
  toOpportunityDetails,
} from './opportunity-map.ts';
import {
  changeRequest,
  dataOf,
  done,
  errorOut,
  failures,
  found,
  idParams,
  listOf,
  liveIn,
  messageOut,
  optional,
  timeOut,
  uuidOf,
  uuidOut,
  workspaceGiven,
} from './schema.ts';

/** The newest ones; the native API has them all. */
const activitiesMax = 100;

const tags = ['Opportunities'];
const what = 'Opportunity';
const readable = { access: 'automate8:opportunities:read', module: 'deals' } as const;
const writable = { access: 'automate8:opportunities:write', module: 'deals' } as const;
const deletable = { access: 'automate8:opportunities:delete', module: 'deals' } as const;

const page = listOf(opportunityOut).extend({
  pagination: z.object({
    page: z.int(),
    limit: z.int(),
    total: z.int(),
    totalPages: z.int(),
    hasNext: z.boolean(),
    hasPrev: z.boolean(),
  }),
});

const moved = dataOf(opportunityOut).extend({
  history: z
    .object({
      id: uuidOut,
      opportunity_id: uuidOut,
      field_changed: z.string(),
      old_value: uuidOut.nullable(),
      new_value: uuidOut.nullable(),
      changed_by: uuidOut.nullable(),
      changed_at: timeOut,
    })
    .nullable()
    .describe('Null where the opportunity was there already'),
});

export const opportunityRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/api/pipeline/opportunities',
    {
      config: readable,
      schema: {
        operationId: 'listOpportunities',
        summary: 'List opportunities, newest first',
        tags,
        querystring: opportunityQuery,
        response: { 200: page, ...failures },
      },
    },
    async ({ actor, workspace, query }) => {
      const { deals, pagination } = await listOpportunities(ctx, { actor, workspace }, query);
      const data = await Promise.all(deals.map(async (deal) => toOpportunity(deal, await around(ctx, deal))));
      return { ...found(data), pagination };
    },
  );

  app.get(
    '/api/pipeline/opportunities/:id',
    {
      config: readable,
      schema: {
        operationId: 'getOpportunity',
        summary: 'Get an opportunity with what is around it',
        tags,
        params: idParams,
        response: { 200: dataOf(opportunityDetails), ...failures, 404: errorOut },
      },
    },
    async ({ workspace, params }) => {
      const deal = await liveIn(ctx, workspace._id, params.id, getDeal, what);
      const subject = { type: 'deal', id: deal._id };
      const [others, { records }] = await Promise.all([
        around(ctx, deal),
        listActivitiesAbout(ctx, workspace._id, subject, { limit: activitiesMax }),
      ]);
      const activities = records.filter(({ archived }) => !archived).map(toActivity);
      return found(toOpportunityDetails(deal, others, activities));
    },
  );

  app.post(
    '/api/pipeline/opportunities',
    {
      config: { ...writable, idempotent: true },
      schema: {
        operationId: 'createOpportunity',
        summary: 'Create an opportunity in a stage',
        tags,
        body: opportunityInput,
        response: { 201: dataOf(opportunityOut), ...failures },
      },
    },
    async ({ actor, workspace, body, idempotency }, reply) => {
      const draft = toNativeDeal(body, await memberBehind(ctx, actor));
      const { record } = await createDeal(ctx, { actor, workspace }, draft, idempotency);
      reply.code(201);
      return found(toOpportunity(record, await around(ctx, record)));
    },
  );

  app.put(
    '/api/pipeline/opportunities/:id',
    {
      config: writable,
      schema: {
        operationId: 'updateOpportunity',
        summary: 'Change an opportunity: given fields change, null clears them',
        tags,
        params: idParams,
        body: opportunityChanges,
        response: { 200: dataOf(opportunityOut), ...failures, 404: errorOut, 409: errorOut },
      },
    },
    async ({ actor, workspace, params, body }) => {
      const before = await liveIn(ctx, workspace._id, params.id, getDeal, what);
      const changes = toNativeChanges(body, before);
      const deal = await updateDeal(ctx, { actor, workspace }, before._id, changes, changeRequest);
      return found(toOpportunity(deal, await around(ctx, deal)));
    },
  );

  app.put(
    '/api/pipeline/opportunities/:id/move',
    {
      config: writable,
      schema: {
        operationId: 'moveOpportunity',
        summary: 'Move an opportunity to a stage of any active pipeline, which it follows',
        tags,
        params: idParams,
        body: z
          .object({ stage_id: z.string().max(100), workspace_id: optional(workspaceGiven) })
          .meta({ id: 'OpportunityMove' }),
        response: { 200: moved, ...failures, 404: errorOut, 409: errorOut },
      },
    },
    async ({ actor, workspace, params, body }) => {
      const before = await liveIn(ctx, workspace._id, params.id, getDeal, what);
      const stageId = fromUuid(body.stage_id)?.toHexString();
      if (!stageId) throw invalid('stage_id', 'There is none with this id');
      const deal = await moveDeal(ctx, actor, before._id, { stageId });
      return {
        ...found(toOpportunity(deal, await around(ctx, deal))),
        history: deal.version === before.version ? null : presentMove(deal, actor),
      };
    },
  );

  app.delete(
    '/api/pipeline/opportunities/:id',
    {
      config: deletable,
      schema: {
        operationId: 'deleteOpportunity',
        summary: 'Delete an opportunity',
        tags,
        params: idParams,
        response: { 200: messageOut, ...failures, 404: errorOut },
      },
    },
    async ({ actor, workspace, params }) => {
      const deal = await liveIn(ctx, workspace._id, params.id, getDeal, what);
      await archiveDeal(ctx, { actor, workspace }, deal._id);
      return done(`Opportunity '${deal.title}' deleted successfully`);
    },
  );
};

/** What an opportunity shows of others. Reads of one moment go together, so a page costs three. */
async function around(
  ctx: Context,
  { workspaceId, pipelineId, contactId, companyId }: Deal,
): Promise<Around> {
  const [pipelineKey, contactKey, companyKey] = [pipelineId, contactId, companyId].map(parseId);
  const [pipeline, contact, company] = await Promise.all([
    pipelineKey && findPipeline(ctx, workspaceId, pipelineKey),
    contactKey && findContact(ctx, workspaceId, contactKey),
    companyKey && findCompany(ctx, workspaceId, companyKey),
  ]);
  return { pipeline: pipeline ?? undefined, contact, company };
}

/** To whom a new opportunity is assigned that names nobody. */
async function memberBehind(ctx: Context, { userId, workspaceId }: Actor): Promise<string | undefined> {
  const id = parseId(userId);
  return id && (await findMember(ctx, workspaceId, id)) ? userId : undefined;
}

/** The row that the move leaves in the history. Where another move came between, it is theirs that was last. */
function presentMove(deal: Deal, { userId }: Actor) {
  const row = lastRowOf(deal);
  const [, before, after] = row?.history.changes?.find(([field]) => field === 'stageId') ?? [];
  if (!row || after === undefined) return null;
  return {
    id: toUuid(row.id),
    opportunity_id: toUuid(deal._id),
    field_changed: 'stage_id',
    old_value: uuidOf(String(before)),
    new_value: uuidOf(String(after)),
    changed_by: uuidOf(userId),
    changed_at: row.at.toISOString(),
  };
}
