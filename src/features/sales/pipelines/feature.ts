import type { Feature } from '../../../feature.ts';
import { pipelineEntity } from '../boards/record.ts';
import { pipelineRoutes } from './routes.ts';
import { samplePipelines } from './samples.ts';

export const feature: Feature = {
  name: 'pipelines',
  tags: [{ name: 'Pipelines', description: 'The ways that deals go, and their stages' }],
  entities: [pipelineEntity],
  workspaceRoutes: [pipelineRoutes],
  samples: samplePipelines,
};
