import { describe, expect, it } from 'vitest';
import {
  nativeStatusesOf,
  spanOf,
  toCratioCall,
  toCratioLead,
  toCratioStatus,
  toNativeCall,
  toNativeLead,
  withoutRestatedStatus,
} from '../../src/adapters/cratio/map.ts';
import { outcomes, statuses } from '../../src/adapters/cratio/schema.ts';
import type { Activity } from '../../src/features/engagement/activities/record.ts';
import type { Lead } from '../../src/features/people/leads/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { fromUuid, toUuid } from '../../src/lib/uuid.ts';

const id = new ObjectId('65b8c47f4e2cfc1df3a75111');
const time = new Date('2026-06-12T10:00:00.000Z');
const lead = (own: Partial<Lead>) =>
  ({ _id: id, name: 'Rahul Sharma', createdAt: time, updatedAt: time, ...own }) as Lead;

describe('ids', () => {
  it('are version-8 UUIDs that lead back to the record', () => {
    const uuid = toUuid(id);
    expect(uuid).toBe('65b8c47f-4e2c-8fc1-8df3-a75111000000');
    expect(fromUuid(uuid)).toEqual(id);
    expect(fromUuid(uuid.toUpperCase())).toEqual(id);
    expect(fromUuid('0189a1de-0000-7000-8000-000000000000')).toBeUndefined();
    for (let round = 0; round < 1_000; round += 1) {
      const other = new ObjectId();
      expect(fromUuid(toUuid(other))).toEqual(other);
    }
  });
});

describe('statuses', () => {
  it.each(statuses)('%s survives the way in and out', (status) => {
    const native = toNativeLead({ name: 'A', phone: '1', status }, undefined).status;
    expect(toCratioStatus(native)).toBe(status);
  });

  it('show native words as the nearest', () => {
    expect(['interested', 'converted', 'site-visit', undefined].map(toCratioStatus)).toEqual([
      'Qualified',
      'Won',
      'Contacted',
      'New',
    ]);
  });

  it('are filtered by all native words that show so', () => {
    expect(nativeStatusesOf('Contacted', ['new', 'site-visit', 'Call Back'])).toEqual([
      'contacted',
      'site-visit',
      'Call Back',
    ]);
    expect(nativeStatusesOf('Won', [])).toEqual(['won', 'converted']);
  });

  it('are left alone by a merge that repeats what was shown', () => {
    expect(
      withoutRestatedStatus({ status: 'contacted', city: 'Pune' }, lead({ status: 'site-visit' })),
    ).toEqual({ city: 'Pune' });
    expect(withoutRestatedStatus({ status: 'won' }, lead({ status: 'site-visit' }))).toEqual({
      status: 'won',
    });
  });
});

describe('leads', () => {
  it('show null where the contract is nullable', () => {
    expect(toCratioLead(lead({}), undefined)).toEqual({
      id: toUuid(id),
      name: 'Rahul Sharma',
      email: null,
      phone: null,
      company: null,
      city: null,
      source: '',
      status: 'New',
      priority: 'Medium',
      tags: [],
      deal_value: null,
      notes: null,
      assigned_to: null,
      created_at: '2026-06-12T10:00:00.000Z',
      updated_at: '2026-06-12T10:00:00.000Z',
    });
  });

  it('carry only what the request gives', () => {
    const native = toNativeLead({ name: 'A', phone: '98', deal_value: 5, notes: 'n' }, 'user');
    expect(JSON.parse(JSON.stringify(native))).toEqual({
      name: 'A',
      mobileNumber: '98',
      dealValue: 5,
      description: 'n',
      assignedTo: 'user',
    });
  });
});

describe('calls', () => {
  it.each(outcomes)('%s survives the way in and out', (outcome) => {
    const log = {
      lead_id: toUuid(id),
      call_type: 'Inbound' as const,
      duration_seconds: 0,
      outcome,
      notes: 'n',
      called_at: time.toISOString(),
    };
    const activity = { _id: id, leadId: id, createdAt: time, ...toNativeCall(log) } as Activity;
    expect(toCratioCall(activity)).toEqual({ ...log, id: toUuid(id), created_at: time.toISOString() });
  });
});

describe('days', () => {
  it('are India’s', () => {
    expect(spanOf({ from_date: '2026-06-01', to_date: '2026-06-02' }, time)).toEqual({
      from: new Date('2026-05-31T18:30:00.000Z'),
      before: new Date('2026-06-02T18:30:00.000Z'),
    });
  });

  it('are the last 30 by default, up to now', () => {
    // In India it is the 13th already.
    expect(spanOf({}, new Date('2026-06-12T20:00:00.000Z'))).toEqual({
      from: new Date('2026-05-13T18:30:00.000Z'),
      before: new Date('2026-06-13T18:30:00.000Z'),
    });
  });
});
