import { isDeepStrictEqual } from 'node:util';

/**
 * Compares what the clients were told, what the subscriber and the provider took and what the readers of /sync saw with
 * what is in the store.
 * Each finding is counted under its kind; `lost` and `doubled` are what the run is about.
 */
export async function audit({ store, ledger, subscriber, provider, readers }) {
  const findings = createFindings();
  const stored = {};
  for (const name of ['leads', 'contacts', 'tasks']) stored[name] = await store.records(name);
  auditRecords(stored, ledger, findings);
  auditChanges(stored, ledger, findings);
  const rows = await store.history();
  auditHistory(rows, stored, findings);
  for (const [name, { taken }] of Object.entries(subscriber.endpoints)) {
    auditEvents(name, taken, stored, findings);
  }
  for (const reader of readers) auditReader(reader, await store.versions(reader.collection), findings);
  const failedDeliveries = await store.deliveries({ status: 'failed' });
  if (failedDeliveries > 0) findings.add('lost', `${failedDeliveries} deliveries were given up`);
  const messages = auditMessages(await store.messages(), ledger, provider, findings);
  return {
    findings,
    counts: {
      stored: Object.values(stored).reduce((sum, records) => sum + records.length, 0),
      history: rows.length,
      messages,
      synchronised: readers.map(({ seen }) => seen.size),
      deliveries: await store.deliveries({ status: 'delivered' }),
      attempts: await store.attempts(),
    },
  };
}

function createFindings() {
  const kinds = { lost: [], doubled: [], 'made up': [] };
  return { kinds, add: (kind, text) => kinds[kind].push(text) };
}

const keyOf = { leads: 'mobileNumber', contacts: 'mobileNumber', tasks: 'title' };

/** Every acknowledged record once, every other at most once, and none that nobody asked for. */
function auditRecords(stored, ledger, findings) {
  for (const [collection, records] of Object.entries(stored)) {
    const byKey = new Map();
    for (const record of records) {
      const key = record[keyOf[collection]];
      if (byKey.has(key)) findings.add('doubled', `${collection} ${key}`);
      byKey.set(key, String(record._id));
      if (!ledger.records[collection].has(key)) findings.add('made up', `${collection} ${key}`);
    }
    for (const [key, id] of ledger.records[collection]) {
      if (id !== undefined && byKey.get(key) !== id) findings.add('lost', `${collection} ${key} ${id}`);
    }
  }
}

const changesOf = ({ description }) => Number((description ?? 'change 0').split(' ')[1]);

/** The last acknowledged change is there, and each change was carried out once. */
function auditChanges({ leads, tasks }, ledger, findings) {
  for (const lead of leads) {
    const id = String(lead._id);
    const { acknowledged, attempted } = ledger.changes.get(id) ?? { acknowledged: 0, attempted: 0 };
    const carriedOut = changesOf(lead);
    if (carriedOut < acknowledged) findings.add('lost', `change ${acknowledged} of lead ${id}`);
    if (carriedOut > attempted) findings.add('made up', `change ${carriedOut} of lead ${id}`);
    if (lead.version !== carriedOut + 1)
      findings.add('doubled', `lead ${id} has version ${lead.version} after ${carriedOut} changes`);
  }
  for (const task of tasks) {
    const isAcknowledged = ledger.completions.get(String(task._id)) === true;
    if (isAcknowledged && task.status !== 'Completed') findings.add('lost', `completion of task ${task._id}`);
  }
}

/** One row for each version of a record, none for any other, each beginning with what the one before it ended with. */
function auditHistory(rows, stored, findings) {
  const rowsOf = new Map();
  for (const row of rows) {
    const id = String(row.record.id);
    rowsOf.set(id, [...(rowsOf.get(id) ?? []), row]);
  }
  for (const record of Object.values(stored).flat()) {
    const id = String(record._id);
    const own = rowsOf.get(id) ?? [];
    rowsOf.delete(id);
    if (own.length < record.version)
      findings.add('lost', `${record.version - own.length} rows of the history of ${id}`);
    if (own.length > record.version)
      findings.add('doubled', `${own.length - record.version} rows of the history of ${id}`);
    const values = new Map();
    for (const { action, changes } of own) {
      if ((action === 'created') !== (values.size === 0))
        findings.add('doubled', `creation of ${id} in its history`);
      for (const [field, before, after] of changes) {
        if (!isDeepStrictEqual(before, values.get(field) ?? null))
          findings.add('lost', `a change of ${field} in the history of ${id}`);
        values.set(field, after);
      }
    }
  }
  for (const [id, [{ record }]] of rowsOf) {
    if (record.type in auditedTypes) findings.add('made up', `history of ${record.type} ${id}`);
  }
}

/** Of what the clients make. */
const auditedTypes = { lead: true, contact: true, task: true };

/** Whoever follows /sync ends with the final version of everything. */
function auditReader({ collection, seen }, finals, findings) {
  for (const [id, updatedAt] of finals) {
    const version = seen.get(id);
    if (version !== updatedAt)
      findings.add('lost', `${collection} ${id} of ${updatedAt} to a reader of sync that saw ${version}`);
  }
  for (const id of seen.keys()) if (!finals.has(id)) findings.add('made up', `${collection} ${id} in sync`);
}

/** One event for each thing that happened, none for what did not. An event is known by its webhook-id. */
function auditEvents(endpoint, taken, stored, findings) {
  const happened = expectedEvents(stored);
  const seen = new Map();
  for (const { type, recordId, description } of taken.values()) {
    const name = nameOf(type, recordId, description);
    seen.set(name, (seen.get(name) ?? 0) + 1);
    if (!happened.has(name)) findings.add('made up', `${endpoint}: ${name}`);
  }
  for (const name of happened) {
    const count = seen.get(name) ?? 0;
    if (count === 0) findings.add('lost', `${endpoint}: ${name}`);
    if (count > 1) findings.add('doubled', `${endpoint}: ${name} under ${count} webhook-ids`);
  }
}

/** What an event tells: for a changed lead also which change. */
const nameOf = (type, recordId, description) =>
  type === 'lead.updated' ? `${type} ${recordId} ${description}` : `${type} ${recordId}`;

function expectedEvents({ leads, contacts, tasks }) {
  const names = new Set();
  for (const lead of leads) {
    names.add(nameOf('lead.created', lead._id));
    for (let change = 1; change <= changesOf(lead); change++)
      names.add(nameOf('lead.updated', lead._id, `change ${change}`));
  }
  for (const contact of contacts) names.add(nameOf('contact.created', contact._id));
  for (const task of tasks) {
    names.add(nameOf('task.created', task._id));
    if (task.status === 'Completed') names.add(nameOf('task.completed', task._id));
  }
  return names;
}

/** Each message at the provider at most once; accepted ones exactly once; only unknown ones may be either. */
function auditMessages(stored, ledger, provider, findings) {
  const counts = { recorded: stored.length, taken: provider.taken.size, accepted: 0, unknown: 0, other: 0 };
  const byName = new Map();
  for (const { to, body, status } of stored) {
    const name = `${to} ${body}`;
    if (byName.has(name)) findings.add('doubled', `message ${name}`);
    byName.set(name, status);
    if (!ledger.messages.has(name)) findings.add('made up', `message ${name}`);
    if (status === 'accepted') counts.accepted += 1;
    else if (status === 'unknown') counts.unknown += 1;
    else counts.other += 1;
    if (status === 'accepted' && !provider.taken.has(name))
      findings.add('lost', `message ${name} was never sent`);
  }
  for (const [name, { id }] of ledger.messages) {
    if (id !== undefined && !byName.has(name)) findings.add('lost', `message ${name}`);
  }
  for (const [name, times] of provider.taken) {
    if (times > 1) findings.add('doubled', `message ${name} sent ${times} times`);
    if (!byName.has(name)) findings.add('made up', `message ${name} was sent without a record`);
  }
  return counts;
}
