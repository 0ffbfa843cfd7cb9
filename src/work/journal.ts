/**
 * Stores outcomes in batches while the next rows are being done. Rows whose outcome is not stored yet may still show as
 * due; a process that dies before leaves them so, and they are done again.
 */
export interface Journal<Outcome> {
  /** Waits while too much is unwritten. @param id the row's */
  add(id: string, outcome: Outcome): Promise<void>;
  /** Waits until all is stored. @throws when something could not be */
  flush(): Promise<void>;
  /** The rows whose outcomes were stored since the last call. */
  takeStored(): string[];
}

const batchSize = 100;
/** How long an outcome may be missing from the store. */
const lingerMs = 100;

/** @param record left out where outcomes need no storing */
export function createJournal<Outcome>(record?: (outcomes: Outcome[]) => Promise<void>): Journal<Outcome> {
  let unwritten: { id: string; outcome: Outcome }[] = [];
  let writing = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let stored: string[] = [];

  const write = async (batch: typeof unwritten) => {
    await record?.(batch.map(({ outcome }) => outcome));
    stored.push(...batch.map(({ id }) => id));
  };
  const begin = () => {
    clearTimeout(timer);
    timer = undefined;
    const batch = unwritten;
    unwritten = [];
    if (batch.length > 0) writing = writing.then(() => write(batch));
    // The error is for `add` and `flush`, which wait; nobody may be waiting yet.
    writing.catch(() => undefined);
    return writing;
  };

  return {
    async add(id, outcome) {
      if (!record) {
        stored.push(id);
        return;
      }
      unwritten.push({ id, outcome });
      timer ??= setTimeout(begin, lingerMs);
      if (unwritten.length < batchSize) return;
      const earlier = writing;
      begin();
      await earlier;
    },
    flush: begin,
    takeStored() {
      const taken = stored;
      stored = [];
      return taken;
    },
  };
}
