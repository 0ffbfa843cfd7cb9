import { type DocumentOf, entity } from '../../../records/entity/entity.ts';
import { choice, dateTime, longText, member, text } from '../../../records/entity/kinds.ts';

export const completed = 'Completed';

/** Something that the team has to do. */
export const taskEntity = entity({
  name: 'task',
  path: '/tasks',
  fields: {
    title: text({ required: true, search: true }),
    description: longText(),
    dueDate: dateTime(),
    status: choice(['TODO', 'Active', 'In Progress', completed], { initial: 'TODO', filter: true }),
    priority: choice(['Low', 'Medium', 'High', 'Urgent'], { initial: 'Medium', filter: true }),
    assignedTo: member({ required: true, filter: true }),
    /** Stands exactly while the status is Completed. */
    completedAt: dateTime({ managed: true }),
  },
  events: {
    types: ['task.created', 'task.completed'],
    created: ({ status }) => (status === completed ? ['task.created', 'task.completed'] : ['task.created']),
    updated: (before, after) =>
      before.status !== completed && after.status === completed ? ['task.completed'] : [],
  },
});

export type Task = DocumentOf<typeof taskEntity>;
