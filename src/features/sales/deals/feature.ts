import type { Feature } from '../../../feature.ts';
import { dealEntity } from './record.ts';
import { dealRoutes } from './routes.ts';
import { sampleDeals } from './samples.ts';
import { dealSettlement } from './settlement.ts';

export const feature: Feature = {
  name: 'deals',
  tags: [{ name: 'Deals', description: 'What may be sold, stage by stage' }],
  entities: [dealEntity],
  workspaceRoutes: [dealRoutes],
  listeners: [dealSettlement],
  samples: sampleDeals,
};
