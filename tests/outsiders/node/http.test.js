// HTTP and WebSockets by what Node has: fetch (undici), and the package ws.

'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { after, before, test } = require('node:test');
const WebSocket = require('ws');
const { Client, Server } = require('./server.js');

let server;
const url = (path) => `http://${server.http}${path}`;

/** An open WebSocket. */
async function opened(at, path) {
  const socket = new WebSocket(`ws://${at.http}${path}`);
  await once(socket, 'open');
  return socket;
}

async function echoed(socket, message) {
  const answer = once(socket, 'message');
  socket.send(message);
  return (await answer)[0];
}

before(async () => {
  server = await Server.serve({ http: { max_body_size: 1_000_000 } });
});

after(() => server.stop());

test('fetch has many requests open at once', async () => {
  const bodies = Array.from({ length: 50 }, (_, size) => 'x'.repeat(size));
  const answers = bodies.map((body) => fetch(url('/echo'), { method: 'POST', body }).then((answer) => answer.text()));
  assert.deepEqual(await Promise.all(answers), bodies);
});

test('fetch uploads a stream and is told where it is too long', async () => {
  const stream = (pieces) =>
    new ReadableStream({
      pull(controller) {
        if (pieces-- > 0) controller.enqueue(new Uint8Array(10_000));
        else controller.close();
      },
    });
  const upload = (path, pieces) => fetch(url(path), { method: 'POST', body: stream(pieces), duplex: 'half' });
  assert.equal(await (await upload('/upload', 50)).text(), '500000');
  // The server does not read to the end of what it refuses: a client that goes on sending may hear that, or be cut.
  const refused = await upload('/echo', 500).then((answer) => answer.status, () => 413);
  assert.equal(refused, 413);
});

test('fetch reads events as they come and gives up', async () => {
  const abort = new AbortController();
  const answer = await fetch(url('/sse'), { signal: abort.signal });
  const events = answer.body.getReader();
  assert.match(Buffer.from((await events.read()).value).toString(), /^data: tick/);
  abort.abort();
  await assert.rejects(events.read(), { name: 'AbortError' });
});

test('a handler that panics is answered 500 and the connection goes on', async () => {
  assert.equal((await fetch(url('/panic'))).status, 500);
  assert.equal(await (await fetch(url('/'))).text(), 'ok');
});

test('a WebSocket echoes messages of any size, and is closed in order', async () => {
  const socket = await opened(server, '/ws');
  for (const size of [0, 1, 125, 126, 65_536, 1_000_000]) {
    assert.equal((await echoed(socket, Buffer.alloc(size))).length, size);
  }
  const closed = once(socket, 'close');
  socket.close(1000, 'done');
  assert.equal((await closed)[0], 1000);
});

test('what is no upgrade to a WebSocket is refused', async () => {
  assert.equal((await fetch(url('/ws'))).status, 400);
  const socket = new WebSocket(`ws://${server.http}/nowhere`);
  const [error] = await once(socket, 'error');
  assert.match(error.message, /404/);
});

test('at the end one WebSocket is told, the other cut, and requests are answered', async () => {
  const ending = await Server.serve({ max_shutdown_ms: 20_000, http: { stream_grace_ms: 500, workers: 1 } });
  const [polite, plain] = [await opened(ending, '/ws/polite'), await opened(ending, '/ws')];
  assert.equal((await echoed(polite, 'a')).toString(), 'a');
  assert.equal((await echoed(plain, 'b')).toString(), 'b');
  const slow = fetch(`http://${ending.http}/linger/1000`);
  const client = new Client(ending.address);
  await client.account('linger', { begun: 1 });
  client.close();
  const closed = [once(polite, 'close'), once(plain, 'close')];
  const [report, answer, [politely], [plainly]] = await Promise.all([ending.stop(), slow, ...closed]);
  assert.deepEqual([politely, plainly], [1001, 1006]);
  assert.equal(await answer.text(), 'late');
  assert.equal(answer.headers.get('connection'), 'close');
  assert.ok(report.report.took_ms < 10_000, `it took ${report.report.took_ms} ms`);
});
