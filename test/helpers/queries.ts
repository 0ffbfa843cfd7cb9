import mongoose, { type mongo } from 'mongoose';
import type { TestServer } from './app.ts';

export type Json = Record<string, unknown>;

/** What the engine does for one command, as its `explain` with `executionStats` tells. */
export interface Plan {
  command: Json;
  /** "find leads {workspaceId,archived} sort {createdAt,_id}": what is asked, without the values. */
  shape: string;
  /** Every stage, from the last to the first: ["LIMIT", "FETCH", "IXSCAN list"]. */
  stages: string[];
  /** Plans that the engine had to weigh against the one it took. */
  rejected: number;
  keysExamined: number;
  documentsExamined: number;
  /** Documents that come out of the plan, or are counted or changed. */
  returned: number;
}

/** What has to be in the server's MongoDB URL, for its commands to be heard of. */
export const withMonitoring = (mongoUrl: string): string => `${mongoUrl}&monitorCommands=true`;

const explained = ['find', 'aggregate', 'count', 'distinct', 'findAndModify', 'update', 'delete'];

/** Writes down every command that a server sends from here on. The server has to be connected with monitoring. */
export function recordCommands(server: TestServer) {
  const databaseName = server.ctx.redisPrefix;
  const client = mongoose.connections.find(({ name }) => name === databaseName)?.getClient();
  if (!client) throw new Error('The server is not connected');
  const db = client.db(databaseName);
  let heard: Json[] = [];
  let sent: Json[] = [];
  client.on('commandStarted', ({ command, commandName }) => {
    sent.push(command);
    if (commandName === 'bulkWrite') heard.push(...updatesOf(command));
    // An aggregation over no collection asks nothing of an index.
    if (explained.includes(commandName) && command[commandName] !== 1) heard.push(...singly(command));
  });
  return {
    db,
    /** What was sent since the last call, as it went over the wire. */
    sent(): Json[] {
      const commands = sent;
      sent = [];
      return commands;
    },
    /** Plans of what was sent since the last call, each shape once. */
    async plans(): Promise<Plan[]> {
      const commands = new Map(heard.map((command) => [shapeOf(command), command]));
      heard = [];
      const plans: Plan[] = [];
      for (const [shape, command] of commands)
        plans.push({ shape, command, ...(await explain(db, command)) });
      return plans;
    },
  };
}

/** What a command asks for: the filters of its find, count, change or removal. */
export function filtersOf(command: Json): Json[] {
  const { pipeline, updates = [], deletes = [], ops = [] } = command as Record<string, Json[]>;
  const [first = {}] = pipeline ?? [];
  const { filter, query } = command as Record<string, Json>;
  return [
    ...[filter, query, first.$match as Json | undefined].filter((one) => one !== undefined),
    ...[...updates, ...deletes].map(({ q }) => q as Json),
    ...ops.map((op) => op.filter as Json),
  ];
}

/** The updates of a bulkWrite command, as commands of their own. */
function updatesOf({ ops, nsInfo }: Json): Json[] {
  const collections = (nsInfo as Json[]).map(({ ns }) => String(ns).slice(String(ns).indexOf('.') + 1));
  return (ops as Json[]).map(({ update, filter, updateMods, ...options }) => ({
    update: collections[Number(update)],
    updates: [{ q: filter, u: updateMods, ...options }],
  }));
}

/** The command without what belongs to the connection; of several updates or deletes each by itself. */
function singly(command: Json): Json[] {
  const own = ['lsid', 'txnNumber', '$db', '$clusterTime', '$readPreference', 'writeConcern', 'readConcern'];
  const bare = Object.fromEntries(Object.entries(command).filter(([name]) => !own.includes(name)));
  for (const list of ['updates', 'deletes']) {
    if (Array.isArray(bare[list])) return bare[list].map((one: unknown) => ({ ...bare, [list]: [one] }));
  }
  return [bare];
}

async function explain(db: mongo.Db, command: Json): Promise<Omit<Plan, 'shape' | 'command'>> {
  const answer = await db.command(
    { explain: command, verbosity: 'executionStats' },
    { ignoreUndefined: true, promoteLongs: true },
  );
  // An aggregation that is no plain query has the query as its first stage.
  const query = (answer.stages as Json[] | undefined)?.[0]?.$cursor ?? answer;
  const { queryPlanner, executionStats } = query as { queryPlanner: Json; executionStats: Json };
  return {
    stages: stagesOf(queryPlanner.winningPlan as Json),
    rejected: (queryPlanner.rejectedPlans as Json[]).length,
    keysExamined: Number(executionStats.totalKeysExamined),
    documentsExamined: Number(executionStats.totalDocsExamined),
    returned: Math.max(...counted(executionStats.executionStages as Json)),
  };
}

function stagesOf(plan: Json): string[] {
  const { queryPlan, stage, indexName, inputStage, inputStages = [] } = plan as Record<string, never>;
  if (queryPlan) return stagesOf(queryPlan);
  const name = indexName ? `${stage} ${indexName}` : String(stage);
  const inputs = [...(inputStage ? [inputStage] : []), ...(inputStages as Json[])];
  return [name, ...inputs.flatMap(stagesOf)];
}

/** How many documents went through the outermost stages; a write or a count lets none out. */
function counted(stage: Json): number[] {
  const { nReturned = 0, nWouldModify = 0, nWouldDelete = 0, nCounted = 0, inputStage } = stage;
  const isOutcome = !['UPDATE', 'DELETE', 'COUNT', 'PROJECTION_SIMPLE', 'GROUP'].includes(
    String(stage.stage),
  );
  const own = [nReturned, nWouldModify, nWouldDelete, nCounted].map(Number);
  return isOutcome || !inputStage ? own : [...own, ...counted(inputStage as Json)];
}

function shapeOf(command: Json): string {
  const [[name, collection] = []] = Object.entries(command);
  const rest = Object.entries(command)
    .slice(1)
    .filter(
      ([key]) =>
        !['limit', 'batchSize', 'projection', 'ordered', 'cursor', 'new', 'singleBatch'].includes(key),
    )
    .map(([key, value]) => `${key} ${namesOf(value)}`);
  return [name, collection, ...rest].join(' ').slice(0, 400);
}

/** The names in a query, and not its values. */
function namesOf(value: unknown): string {
  if (Array.isArray(value)) return `[${[...new Set(value.map(namesOf))].join()}]`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' && value.length < 30 ? value : '?';
  if (Object.getPrototypeOf(value) !== Object.prototype) return '?';
  return `{${Object.entries(value).map(([name, item]) => `${name}:${namesOf(item)}`)}}`;
}
