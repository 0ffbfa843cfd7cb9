/**
 * What a hostile workspace brings along, on loopback only: endpoints that hang (/hang/…) and that take everything (/sink/…),
 * a mail server that answers every command for ever, and a client that sends prepared requests at a given rate.
 *
 *     GET /mail-port    where the mail server listens
 *     POST /attack      {origin, requests: [{method, path, headers, body}], perSecond, parallel}
 *     POST /stop        ends the attack; answers how many requests were sent and what came back
 */
import { once } from 'node:events';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { createServer as createTcpServer } from 'node:net';

/** However it was asked: no attack goes on for longer. */
const attackMaxMs = 120_000;
const dripMs = 100;

let attack = { stop: async () => ({}) };

createServer((request, response) => {
  if (request.url.startsWith('/hang')) return void request.resume();
  const chunks = [];
  const keeps = request.url === '/attack';
  request.on('data', (chunk) => keeps && chunks.push(chunk));
  request.once('end', async () => {
    if (request.url === '/mail-port') return response.end(String(tarpit.address().port));
    if (request.url === '/attack') {
      await attack.stop();
      attack = startAttack(JSON.parse(Buffer.concat(chunks).toString()));
    }
    if (request.url === '/stop') return response.end(JSON.stringify(await attack.stop()));
    return response.end();
  });
}).listen(Number(process.env.PORT), '127.0.0.1');

/** Greets as a mail server does, and then answers line by line without ever coming to the last one. */
const tarpit = createTcpServer((socket) => {
  socket.on('error', () => {});
  socket.write('220 tarpit\r\n');
  const timer = setInterval(() => socket.write('250-wait for it\r\n'), dripMs);
  socket.once('close', () => clearInterval(timer));
}).listen(0, '127.0.0.1');

/** Sends the requests in turn, so many a second, while no more than `parallel` are unanswered. */
function startAttack({ origin, requests, perSecond, parallel }) {
  const agent = new Agent({ keepAlive: true, maxSockets: parallel });
  const url = new URL(origin);
  const prepared = requests.map(({ method, path, headers, body }) => {
    const bytes = Buffer.from(body ?? '');
    return {
      options: {
        agent,
        host: url.hostname,
        port: url.port,
        method,
        path,
        headers: { ...headers, 'Content-Length': bytes.length },
      },
      bytes,
    };
  });
  const answers = {};
  let [sent, unanswered] = [0, 0];
  const settled = (what) => {
    unanswered -= 1;
    answers[what] = (answers[what] ?? 0) + 1;
  };
  const send = () => {
    if (unanswered >= parallel) return;
    const { options, bytes } = prepared[sent++ % prepared.length];
    unanswered += 1;
    const outgoing = httpRequest(options, (response) => {
      response.resume().once('close', () => settled(response.statusCode));
    });
    outgoing.once('error', ({ code }) => settled(code));
    outgoing.end(bytes);
  };
  const timer = setInterval(send, 1_000 / perSecond);
  const limit = setTimeout(() => clearInterval(timer), attackMaxMs);
  return {
    async stop() {
      clearInterval(timer);
      clearTimeout(limit);
      agent.destroy();
      return { sent, answers };
    },
  };
}

await once(tarpit, 'listening');
process.once('SIGTERM', () => process.exit(0));
