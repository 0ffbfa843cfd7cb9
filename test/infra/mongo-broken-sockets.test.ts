import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';

// The driver as it comes: nothing of ours is imported before.
const ofMongoose = createRequire(createRequire(import.meta.url).resolve('mongoose'));
const { Connection } = ofMongoose('mongodb/lib/cmap/connection.js');
const { version } = ofMongoose('mongodb/package.json');

/**
 * The driver's version and its function that src/infra/mongo-broken-sockets.ts stands in for. When this fails after an
 * upgrade: see whether a write still waits for a `drain` that a closed socket never has; if so, look the new function
 * over and write down its hash here, and else take the patch out.
 */
const patched = {
  version: '7.8.0',
  sha256: '57ab125767d457b3f11af82bba37d90cdba9c845dad11596b9d0091bac92afe8',
};

describe("the patch of the driver's broken sockets", () => {
  it('is for the driver that is installed', () => {
    const source = String(Connection.prototype.writeCommand);
    const sha256 = createHash('sha256').update(source).digest('hex');
    expect({ version, sha256 }).toEqual(patched);
    expect(source).toContain("'drain'");
  });

  it('keeps its place in the driver', async () => {
    const { writeCommand } = Connection.prototype;
    await import('../../src/infra/mongo-broken-sockets.ts');
    expect(Connection.prototype.writeCommand).not.toBe(writeCommand);
    const socket = { destroyed: true };
    await expect(Connection.prototype.writeCommand.call({ socket })).rejects.toMatchObject({
      name: 'MongoNetworkError',
    });
  });
});
