import type { FastifyInstance } from 'fastify';
import type { Adapter, Routes } from '../../http.ts';
import { agentRoutes } from './agents.ts';
import { apiKeyRoutes } from './api-keys.ts';
import { contactRoutes } from './contacts.ts';
import { automate8Contract } from './contract.ts';
import { automate8Document } from './document.ts';
import { metricRoutes } from './metrics.ts';
import { opportunityRoutes } from './opportunities.ts';
import { pipelineRoutes } from './pipelines.ts';
import { demandRequired } from './required.ts';
import { stageRoutes } from './stages.ts';
import { tagRoutes } from './tags.ts';

/** Each resource has a file with its operations. */
const resources: Routes[] = [
  pipelineRoutes,
  stageRoutes,
  opportunityRoutes,
  metricRoutes,
  contactRoutes,
  tagRoutes,
  agentRoutes,
  apiKeyRoutes,
];

const routes: Routes = async (app, options) => {
  demandRequired(app as unknown as FastifyInstance);
  for (const resource of resources) await resource(app, options);
};

/** The Automate8 API. */
export const automate8: Adapter = {
  ...automate8Contract,
  isOpenToBrowsers: true,
  document: automate8Document,
  routes,
};
