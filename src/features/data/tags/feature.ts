import type { Feature } from '../../../feature.ts';
import { tagCarrier, tagJobs } from './carry.ts';
import { tagEntity } from './record.ts';
import { tagRoutes } from './routes.ts';
import { sampleTags } from './samples.ts';
import { tagKeeper } from './service.ts';

export const feature: Feature = {
  name: 'tags',
  tags: [{ name: 'Tags', description: 'What records are sorted by, and what becomes of it everywhere' }],
  entities: [tagEntity],
  workspaceRoutes: [tagRoutes],
  listeners: [tagCarrier],
  jobs: tagJobs,
  tagKeeper,
  samples: sampleTags,
};
