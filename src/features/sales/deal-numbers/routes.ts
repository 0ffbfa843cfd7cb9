import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { idParams, workspaceParams } from '../../../lib/schemas.ts';
import { pipelineEntity } from '../boards/record.ts';
import { getPipeline } from '../pipelines/service.ts';
import { agentMetrics } from './agents.ts';
import { dealForecast } from './forecast.ts';
import { dealMetrics } from './metrics.ts';
import { presentAgent, presentForecast, presentMetrics, presentTrend } from './present.ts';
import {
  agentsOut,
  forecastOut,
  forecastQuery,
  metricsOut,
  metricsQuery,
  ofPipelineQuery,
  trendsOut,
  trendsQuery,
} from './schema.ts';
import { dealTrends } from './trends.ts';

const config = { access: 'deal.read', module: 'deals' } as const;

/** Numbers over deals, each with the time that it is of. */
export const dealNumberRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/deals/metrics',
    {
      config,
      schema: {
        operationId: 'getDealMetrics',
        summary: 'What deals are worth, how they end and how they move along, per pipeline and stage',
        tags: ['Deals'],
        params: workspaceParams,
        querystring: metricsQuery,
        response: { 200: metricsOut },
      },
    },
    async ({ workspace, query }) => {
      const metrics = await dealMetrics(ctx, workspace._id, query);
      return { success: true as const, data: presentMetrics(metrics) };
    },
  );

  app.get(
    '/pipelines/:id/metrics',
    {
      config,
      schema: {
        operationId: 'getPipelineMetrics',
        summary: 'The same of one pipeline',
        tags: ['Pipelines'],
        params: idParams('id'),
        querystring: ofPipelineQuery,
        response: { 200: metricsOut },
      },
    },
    async ({ workspace, params, query }) => {
      const { _id } = await getPipeline(ctx, workspace._id, requireId(params.id, pipelineEntity.label));
      const metrics = await dealMetrics(ctx, workspace._id, { ...query, pipelineId: _id.toHexString() });
      return { success: true as const, data: presentMetrics(metrics) };
    },
  );

  app.get(
    '/deals/agents',
    {
      config,
      schema: {
        operationId: 'getAgentMetrics',
        summary: 'What became of the deals of each member of the team',
        tags: ['Deals'],
        params: workspaceParams,
        response: { 200: agentsOut },
      },
    },
    async ({ workspace }) => {
      const { asOf, agents } = await agentMetrics(ctx, workspace._id);
      return {
        success: true as const,
        data: { asOf: asOf.toISOString(), agents: agents.map(presentAgent) },
      };
    },
  );

  app.get(
    '/deals/trends',
    {
      config,
      schema: {
        operationId: 'getDealTrends',
        summary: 'New, won and lost deals of the last weeks, months, quarters or years, newest first',
        tags: ['Deals'],
        params: workspaceParams,
        querystring: trendsQuery,
        response: { 200: trendsOut },
      },
    },
    async ({ workspace, query: { pipelineId, period, count } }) => {
      const { asOf, trends } = await dealTrends(ctx, workspace, { pipelineId, kind: period, count });
      return {
        success: true as const,
        data: { asOf: asOf.toISOString(), trends: trends.map(presentTrend) },
      };
    },
  );

  app.get(
    '/deals/forecast',
    {
      config,
      schema: {
        operationId: 'getDealForecast',
        summary: 'What open deals are expected to bring from today on',
        tags: ['Deals'],
        params: workspaceParams,
        querystring: forecastQuery,
        response: { 200: forecastOut },
      },
    },
    async ({ workspace, query }) => {
      const forecast = await dealForecast(ctx, workspace, query);
      return { success: true as const, data: presentForecast(forecast) };
    },
  );
};
