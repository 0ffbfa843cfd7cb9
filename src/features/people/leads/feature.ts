import type { Feature } from '../../../feature.ts';
import { leadEntity } from './record.ts';
import { leadRoutes } from './routes.ts';
import { sampleLeads } from './samples.ts';

export const feature: Feature = {
  name: 'leads',
  tags: [{ name: 'Leads', description: 'People who may buy' }],
  entities: [leadEntity],
  scopes: [{ scopes: ['lead.read', 'lead.write'], opens: 'leads, their comments, notes and activities' }],
  workspaceRoutes: [leadRoutes],
  samples: sampleLeads,
};
