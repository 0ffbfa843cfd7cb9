import type { Feature } from '../../../feature.ts';
import { mergeJobs } from './jobs.ts';
import { mergeRoutes } from './routes.ts';

export const feature: Feature = {
  name: 'merging',
  workspaceRoutes: [mergeRoutes],
  jobs: mergeJobs,
};
