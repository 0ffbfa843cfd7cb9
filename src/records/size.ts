import mongoose from 'mongoose';
import { AppError } from '../lib/errors.ts';
import type { Entity, RecordDocument } from './record.ts';

/**
 * A record's size as stored, with its facets. What it owes and what it keeps for repeated requests doesn't count: these
 * come and go, and no list reads them. It bounds what a page, an event and a change can cost, however often a record is
 * added to.
 */
export const recordBytesMax = 256 * 1_024;

/** @returns the record's size. @throws AppError invalid for a record that is too large */
export function assertRecordSize<T extends RecordDocument>(
  { bytesMax = recordBytesMax }: Entity<T>,
  record: T,
): number {
  const bytes = sizeOfRecord(record);
  if (bytes <= bytesMax) return bytes;
  const kilobytes = (size: number) => Math.ceil(size / 1_024);
  const reason = `Must be at most ${kilobytes(bytesMax)} KB as stored; would be ${kilobytes(bytes)} KB`;
  throw new AppError('invalid', { message: 'The record is too large', details: { body: [reason] } });
}

function sizeOfRecord(record: RecordDocument): number {
  const { owed: _, owedSince: _since, idempotency: _mark, ...own } = record;
  return mongoose.mongo.BSON.calculateObjectSize(own, { ignoreUndefined: true });
}
