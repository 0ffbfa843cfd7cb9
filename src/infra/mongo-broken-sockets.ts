import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import mongoose from 'mongoose';

/**
 * A gap in the driver (mongodb 7.8.0, to which package.json pins it; a test fails when this function changes): a
 * command that is written to a socket which the other side has just closed waits for the socket's `drain`, which never
 * comes, and its place in the pool is lost with it. So the end of the socket ends the write here, as a lost connection
 * like any other.
 */
interface WritingConnection {
  socket: Socket;
  writeCommand(...given: unknown[]): Promise<void>;
}

// The driver is mongoose's, which is where its inner modules are found.
const ofMongoose = createRequire(createRequire(import.meta.url).resolve('mongoose'));
const { Connection } = ofMongoose('mongodb/lib/cmap/connection.js') as {
  Connection: { prototype: WritingConnection };
};
const { writeCommand } = Connection.prototype;

const brokenSocket = () => new mongoose.mongo.MongoNetworkError('The connection was closed before the write');

Connection.prototype.writeCommand = async function (...given) {
  const { socket } = this;
  if (socket.destroyed) throw brokenSocket();
  let onClose = () => {};
  const closed = new Promise<never>((_, reject) => {
    onClose = () => reject(brokenSocket());
    socket.once('close', onClose);
  });
  try {
    await Promise.race([writeCommand.apply(this, given), closed]);
  } finally {
    socket.off('close', onClose);
  }
};
