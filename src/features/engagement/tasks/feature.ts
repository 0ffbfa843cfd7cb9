import type { Feature } from '../../../feature.ts';
import { taskEntity } from './record.ts';
import { taskRoutes } from './routes.ts';
import { sampleTasks } from './samples.ts';

export const feature: Feature = {
  name: 'tasks',
  tags: [{ name: 'Tasks', description: 'What the team has to do' }],
  entities: [taskEntity],
  workspaceRoutes: [taskRoutes],
  samples: sampleTasks,
};
