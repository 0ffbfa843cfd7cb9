import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { useServer } from '../helpers/app.ts';

const requestTimeoutMs = 600;
const server = useServer({ requestTimeoutMs });

/** What a busy machine may add. */
const slackMs = 1_500;

/** Sends a request byte by byte for ever. @returns what was answered and when, and when the connection was closed */
function drip(head: string): Promise<{ answer: string; answeredMs: number; closedMs: number }> {
  const { port } = server.app.server.address() as { port: number };
  return new Promise((resolve) => {
    const startedAt = Date.now();
    let answer = '';
    let answeredMs = 0;
    const socket = connect(port, '127.0.0.1', () => socket.write(head));
    const timer = setInterval(() => socket.write('x'), 20);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      answeredMs ||= Date.now() - startedAt;
      answer += chunk;
    });
    socket.on('close', () => {
      clearInterval(timer);
      resolve({ answer, answeredMs, closedMs: Date.now() - startedAt });
    });
  });
}

it.each([
  [
    'a body',
    'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{',
  ],
  ['a head', 'GET /api/health HTTP/1.1\r\nHost: x\r\nX-Slow: '],
])('%s that drips in is cut off with a 408 at the time that is configured', async (_, head) => {
  const { answer, answeredMs, closedMs } = await drip(head);
  expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  expect(answer).toContain('"success":false');
  expect(answeredMs).toBeGreaterThanOrEqual(requestTimeoutMs - 50);
  expect(answeredMs).toBeLessThan(requestTimeoutMs + slackMs);
  // The rest of the answer is waited for, but what still drips in is not.
  expect(closedMs - answeredMs).toBeLessThan(1_000 + slackMs);
});
