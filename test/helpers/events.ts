import { beforeAll } from 'vitest';
import type { EventType } from '../../src/records/record.ts';
import type { RelayedEvent } from '../../src/records/relay.ts';
import type { TestServer } from './app.ts';

export interface HeardEvents {
  /** Types of the record's events in the order in which they happened, each once however often it was passed on. */
  of(recordId: string): Promise<EventType[]>;
  /** The record as the events of a type carried it. */
  recordsOf(recordId: string, type: EventType): Promise<Record<string, unknown>[]>;
}

/** Listens to every event of the file's server. To be called right after `useServer`. */
export function useEvents(server: TestServer): HeardEvents {
  const heard = new Map<string, RelayedEvent>();
  beforeAll(() => {
    server.ctx.relay.addListener({
      name: 'test',
      isListening: async () => true,
      accept: async (events) => {
        for (const event of events) heard.set(event.id.toHexString(), event);
      },
    });
  });
  const eventsOf = async (recordId: string) => {
    await server.ctx.relay.idle();
    return [...heard.values()].filter(({ record }) => String(record._id) === recordId);
  };
  return {
    of: async (recordId) => (await eventsOf(recordId)).map(({ type }) => type),
    recordsOf: async (recordId, type) =>
      (await eventsOf(recordId)).filter((event) => event.type === type).map(({ record }) => record),
  };
}
