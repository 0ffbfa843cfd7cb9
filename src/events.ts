import type { Context } from './context.ts';
import { leadConversion } from './features/people/customers/conversion.ts';
import { webhookListener } from './features/platform/webhooks/listener.ts';
import type { EventListener } from './records/relay.ts';

/** Record collections whose documents can owe events. */
export const eventSources = ['leads', 'contacts', 'customers', 'properties', 'tasks'] as const;

/** Everything that listens to events. */
export const eventListeners: ((ctx: Context) => EventListener)[] = [leadConversion, webhookListener];
