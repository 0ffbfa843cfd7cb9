import type { Feature } from '../../../feature.ts';
import { activityEntity } from './record.ts';
import { activitiesAbout, activitiesOfLeads } from './references.ts';
import { activityRoutes } from './routes.ts';
import { sampleActivities } from './samples.ts';

export const feature: Feature = {
  name: 'activities',
  tags: [{ name: 'Activities', description: 'What happened around the records' }],
  entities: [activityEntity],
  scopes: [
    { scopes: ['activity.read', 'activity.write'], opens: 'activities of every record, and the history' },
  ],
  workspaceRoutes: [activityRoutes],
  references: [activitiesOfLeads, activitiesAbout],
  samples: sampleActivities,
};
