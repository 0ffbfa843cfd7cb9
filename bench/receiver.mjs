/** An endpoint for events that takes everything: POST / counts, GET /count tells how many different ones came. */
import { createServer } from 'node:http';

const seen = new Set();

createServer((request, response) => {
  request.resume();
  request.once('end', () => {
    if (request.method === 'POST') seen.add(request.headers['webhook-id']);
    response.end(request.url === '/count' ? String(seen.size) : '');
  });
}).listen(Number(process.env.PORT), '127.0.0.1');

process.once('SIGTERM', () => process.exit(0));
