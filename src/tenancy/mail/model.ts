import { Schema } from 'mongoose';
import { globalCollection } from '../../infra/mongo.ts';
import type { ObjectId } from '../../lib/ids.ts';

export const mailKinds = ['invitation', 'reset', 'verification'] as const;
export type MailKind = (typeof mailKinds)[number];

/** A mail of the system that has not left yet. It names no token: that follows from its id. */
export interface OwedMail {
  _id: ObjectId;
  kind: MailKind;
  to: string;
  /** When to try next; while one process tries, when another may take it for dead. */
  dueAt: Date;
  attempts: number;
  createdAt: Date;
}

/** Longer than any token is good for. */
const keptSeconds = 8 * 24 * 3_600;

const owedMailSchema = new Schema<OwedMail>({
  kind: { type: String, enum: mailKinds, required: true },
  to: { type: String, required: true },
  dueAt: { type: Date, required: true },
  attempts: { type: Number, required: true },
  createdAt: { type: Date, required: true },
});
// What to send next.
owedMailSchema.index({ dueAt: 1 }, { name: 'due' });
owedMailSchema.index({ createdAt: 1 }, { name: 'kept', expireAfterSeconds: keptSeconds });

export const owedMails = globalCollection<OwedMail>('owedMails', owedMailSchema);
