import type { Feature } from '../../../feature.ts';
import { propertyEntity } from './record.ts';
import { propertyRoutes } from './routes.ts';
import { sampleProperties } from './samples.ts';

export const feature: Feature = {
  name: 'properties',
  tags: [{ name: 'Properties', description: 'What can be bought: inventory, towers and units' }],
  entities: [propertyEntity],
  workspaceRoutes: [propertyRoutes],
  samples: sampleProperties,
};
