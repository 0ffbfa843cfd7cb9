import type { Feature } from '../../../feature.ts';
import { pipelineEntity } from '../boards/record.ts';
import { closingJobs, pipelineCloser } from './closing.ts';
import { pipelineRoutes } from './routes.ts';
import { samplePipelines } from './samples.ts';

export const feature: Feature = {
  name: 'pipelines',
  tags: [{ name: 'Pipelines', description: 'The ways that deals go, and their stages' }],
  entities: [pipelineEntity],
  workspaceRoutes: [pipelineRoutes],
  listeners: [pipelineCloser],
  jobs: closingJobs,
  samples: samplePipelines,
};
