import type { Feature } from '../../../feature.ts';
import { jobWork } from './jobs.ts';
import { jobRoutes } from './routes.ts';

export const feature: Feature = {
  name: 'jobs',
  tags: [{ name: 'Jobs', description: 'What is done to many records at a time, and how far it has come' }],
  workspaceRoutes: [jobRoutes],
  work: [jobWork],
};
