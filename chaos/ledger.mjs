/** What the clients tried and what they were told, to be compared with what is there. */
export function createLedger() {
  /** Collection → business key → id, undefined while nothing was acknowledged. */
  const records = { leads: new Map(), contacts: new Map(), tasks: new Map() };
  /** Lead id → number of the last change that was tried, and of the last that was acknowledged. */
  const changes = new Map();
  /** Task id → whether its completion was acknowledged. */
  const completions = new Map();
  /** `${to} ${text}` → { channel, id }; the id once acknowledged. */
  const messages = new Map();

  return {
    records,
    changes,
    completions,
    messages,
    attempted: (collection, key) => records[collection].set(key, undefined),
    acknowledged: (collection, id, key) => records[collection].set(key, id),
    changing: (id, number) => changes.set(id, { acknowledged: number - 1, attempted: number }),
    changed: (id, number) => changes.set(id, { acknowledged: number, attempted: number }),
    completing: (id) => completions.set(id, false),
    completed: (id) => completions.set(id, true),
    attemptedMessage: (channel, to, text) => messages.set(`${to} ${text}`, { channel, id: undefined }),
    acknowledgedMessage(id, to, text) {
      messages.get(`${to} ${text}`).id = id;
    },
    counts() {
      const acknowledgedRecords = Object.values(records)
        .flatMap((map) => [...map.values()])
        .filter(Boolean);
      const acknowledgedChanges = [...changes.values()].reduce(
        (sum, { acknowledged }) => sum + acknowledged,
        0,
      );
      return {
        records: acknowledgedRecords.length,
        changes: acknowledgedChanges + [...completions.values()].filter(Boolean).length,
        messages: [...messages.values()].filter(({ id }) => id).length,
      };
    },
  };
}
