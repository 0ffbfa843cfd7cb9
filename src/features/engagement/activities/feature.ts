import type { Feature } from '../../../feature.ts';
import { activityRoutes } from './routes.ts';
import { sampleActivities } from './samples.ts';
import { activityEntity } from './service.ts';

export const feature: Feature = {
  name: 'activities',
  entities: [activityEntity],
  workspaceRoutes: [activityRoutes],
  samples: sampleActivities,
};
