import { Queue } from 'bullmq';
import mongoose from 'mongoose';

const recordCollections = ['leads', 'contacts', 'tasks'];
const queueNames = ['webhooks', 'messages'];
const queuePrefix = '{crm:queues}';

/** Looks into MongoDB and Redis directly, past everything that is being tested. */
export async function openStore({ mongoUrl, redisUrl }) {
  const connection = await mongoose
    .createConnection(mongoUrl, { autoIndex: false, autoCreate: false })
    .asPromise();
  const collection = (name) => connection.db.collection(name);
  const queues = queueNames.map(
    (name) => new Queue(name, { connection: { path: redisUrl }, prefix: queuePrefix }),
  );

  return {
    /** Everything of a kind, whoever made it. */
    records: (name) =>
      collection(name)
        .find({}, { projection: { mobileNumber: 1, title: 1, description: 1, status: 1, version: 1 } })
        .toArray(),
    /** Id → updatedAt of each record. */
    async versions(name) {
      const found = await collection(name)
        .find({}, { projection: { updatedAt: 1 } })
        .toArray();
      return new Map(found.map(({ _id, updatedAt }) => [String(_id), updatedAt.toISOString()]));
    },
    /** The history in the order in which it happened. */
    history: () => collection('history').find().sort({ at: 1 }).toArray(),
    messages: () =>
      collection('messages')
        .find({}, { projection: { to: 1, body: 1, status: 1, channel: 1 } })
        .toArray(),
    deliveries: (filter) => collection('webhook_deliveries').countDocuments(filter),
    attempts: () => collection('webhook_attempts').estimatedDocumentCount(),
    /** What is not done yet, by kind. */
    async unfinished() {
      const owing = await Promise.all(
        recordCollections.map((name) => collection(name).countDocuments({ owedSince: { $exists: true } })),
      );
      const jobs = await Promise.all(
        queues.map((queue) =>
          queue.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized', 'paused'),
        ),
      );
      return {
        'records that owe events': sum(owing),
        'pending deliveries': await collection('webhook_deliveries').countDocuments({ status: 'pending' }),
        'messages under way': await collection('messages').countDocuments({ dueAt: { $exists: true } }),
        'leased lanes': await collection('webhook_lanes').countDocuments({ lease: { $exists: true } }),
        jobs: sum(jobs),
      };
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
      await connection.close();
    },
  };
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
