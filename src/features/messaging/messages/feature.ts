import type { Feature } from '../../../feature.ts';
import { messageWork } from './jobs.ts';
import { messagesAbout } from './references.ts';
import { messageRoutes } from './routes.ts';
import { unsubscribeRoutes } from './unsubscribe-routes.ts';

export const feature: Feature = {
  name: 'messages',
  tags: [{ name: 'Messages', description: 'SMS and email, now or later, and the messages of every channel' }],
  scopes: [
    {
      scopes: ['message.read', 'message.send'],
      opens:
        'messages. The WhatsApp operations take any key that has neither, and the right one of a key that has one of them',
    },
  ],
  modules: ['messages'],
  routes: [unsubscribeRoutes],
  workspaceRoutes: [messageRoutes],
  work: [messageWork],
  references: [messagesAbout('lead'), messagesAbout('contact')],
};
