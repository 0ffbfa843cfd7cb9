import { Agent, request as httpRequest } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** A request that got no answer: the connection was refused or broke, or it took too long. */
export class NoAnswer extends Error {
  constructor(error, isTooLate) {
    super(error.message, { cause: error });
    this.isTooLate = isTooLate;
  }
}

/** One request, one answer with its parsed body. @throws NoAnswer */
export function call(origin, { method, path, headers = {}, body, timeoutMs }) {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const allHeaders = {
    ...headers,
    ...(text === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
  };
  return new Promise((resolve, reject) => {
    let isTooLate = false;
    const request = httpRequest(`${origin}${path}`, { method, headers: allHeaders, agent }, (response) => {
      let received = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        received += chunk;
      });
      response.once('error', fail);
      response.once('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode, headers: response.headers, body: parse(received) });
      });
    });
    const fail = (error) => {
      clearTimeout(timer);
      reject(new NoAnswer(error, isTooLate));
    };
    const timer = setTimeout(() => {
      isTooLate = true;
      request.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    request.once('error', fail);
    request.end(text);
  });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
