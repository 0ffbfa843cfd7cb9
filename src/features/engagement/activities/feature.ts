import type { Feature } from '../../../feature.ts';
import { activityEntity } from './record.ts';
import { activitiesOfLeads } from './references.ts';
import { activityRoutes } from './routes.ts';
import { sampleActivities } from './samples.ts';

export const feature: Feature = {
  name: 'activities',
  tags: [{ name: 'Activities', description: 'What happened around the records' }],
  entities: [activityEntity],
  workspaceRoutes: [activityRoutes],
  references: [activitiesOfLeads],
  samples: sampleActivities,
};
