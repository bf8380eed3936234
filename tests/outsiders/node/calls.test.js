// Calls by @grpc/grpc-js: all four kinds, deadlines, cancellation, metadata, gzip, sizes, health.

'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { Client, Server, all, begunBefore, failure, grpc, soon, unary } = require('./server.js');

const LIMIT = 4 * 1024 * 1024;
let server;
let client;

before(async () => {
  server = await Server.serve();
  client = new Client(server.address);
});

after(async () => {
  client.close();
  await server.stop();
});

const wanting = (...sizes) => ({ response_parameters: sizes.map((size) => ({ size })) });
const sizes = (answers) => answers.map((answer) => answer.payload.body.length);

test('a unary call is answered', async () => {
  const answer = await unary(client.test, 'UnaryCall', { response_size: 10, payload: { body: Buffer.alloc(20) } });
  assert.equal(answer.payload.body.length, 10);
});

test('a server stream comes whole and in order', async () => {
  const wanted = Array.from({ length: 300 }, (_, size) => size);
  assert.deepEqual(sizes(await all(client.test.StreamingOutputCall(wanting(...wanted), soon()))), wanted);
});

test('a client stream is read whole', async () => {
  const answer = await new Promise((resolve, reject) => {
    const call = client.test.StreamingInputCall(soon(), (error, answer) => (error ? reject(error) : resolve(answer)));
    for (let size = 0; size < 100; size++) call.write({ payload: { body: Buffer.alloc(size) } });
    call.end();
  });
  assert.equal(answer.aggregated_payload_size, 4950);
});

test('a duplex stream answers each request before the next is sent', async () => {
  const call = client.test.FullDuplexCall(soon());
  const answers = call[Symbol.asyncIterator]();
  for (let size = 1; size < 30; size++) {
    call.write(wanting(size));
    assert.equal((await answers.next()).value.payload.body.length, size);
  }
  call.end();
  assert.equal((await answers.next()).done, true);
});

test('a unary call and a stream end at the deadline and their handlers are dropped', async () => {
  const calls = {
    '/outsiders.Probe/Sleep': (options) => unary(client.probe, 'Sleep', { ms: 600_000 }, { options }),
    '/outsiders.Probe/Endless': (options) => all(client.probe.Endless({}, options)),
  };
  for (const [method, call] of Object.entries(calls)) {
    const { dropped } = await client.account(method);
    const error = await begunBefore(client, method, (options) => failure(call(options)));
    assert.equal(error.code, grpc.status.DEADLINE_EXCEEDED);
    await client.account(method, { dropped: dropped + 1 });
  }
});

test('a cancelled call has its handler dropped', async () => {
  const { begun, dropped } = await client.account('/outsiders.Probe/Sleep');
  const about = {};
  const failed = failure(unary(client.probe, 'Sleep', { ms: 600_000 }, { about }));
  await client.account('/outsiders.Probe/Sleep', { begun: begun + 1 });
  about.call.cancel();
  assert.equal((await failed).code, grpc.status.CANCELLED);
  await client.account('/outsiders.Probe/Sleep', { dropped: dropped + 1 });
});

test('a cancelled stream has its handler dropped', async () => {
  const { dropped } = await client.account('/outsiders.Probe/Endless');
  const call = client.probe.Endless({});
  const answers = call[Symbol.asyncIterator]();
  assert.equal((await answers.next()).value.body.toString(), 'first');
  call.cancel();
  assert.equal((await failure(answers.next())).code, grpc.status.CANCELLED);
  await client.account('/outsiders.Probe/Endless', { dropped: dropped + 1 });
});

test('initial and trailing metadata come back, binary too', async () => {
  const metadata = new grpc.Metadata();
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  metadata.set('x-grpc-test-echo-initial', 'initial value');
  metadata.set('x-grpc-test-echo-trailing-bin', bytes);
  const about = {};
  await unary(client.test, 'UnaryCall', {}, { metadata, about });
  assert.deepEqual(about.initial.get('x-grpc-test-echo-initial'), ['initial value']);
  assert.deepEqual(about.status.metadata.get('x-grpc-test-echo-trailing-bin'), [bytes]);
});

test('gzip goes both ways', async () => {
  const options = { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip };
  const gzip = new Client(server.address, undefined, options);
  const answer = await unary(gzip.test, 'UnaryCall', {
    payload: { body: Buffer.alloc(100_000) },
    response_size: 100_000,
    expect_compressed: { value: true },
    response_compressed: { value: true },
  });
  assert.equal(answer.payload.body.length, 100_000);
  gzip.close();
});

test('a status arrives with its code, message and details', async () => {
  const error = await failure(unary(client.probe, 'Fail', { code: 9, message: 'not now ☺', details: Buffer.from([8, 9]) }));
  assert.equal(error.code, grpc.status.FAILED_PRECONDITION);
  assert.equal(error.details, 'not now ☺');
  assert.deepEqual(error.metadata.get('grpc-status-details-bin'), [Buffer.from([8, 9])]);
});

test('a message beyond the limit is refused and the connection goes on', async () => {
  const error = await failure(unary(client.test, 'UnaryCall', { payload: { body: Buffer.alloc(LIMIT) } }));
  assert.equal(error.code, grpc.status.RESOURCE_EXHAUSTED);
  await unary(client.test, 'EmptyCall');
});

test('health is checked, listed and watched', async () => {
  assert.equal((await unary(client.health, 'Check', { service: '' })).status, 'SERVING');
  assert.equal((await failure(unary(client.health, 'Check', { service: 'nobody' }))).code, grpc.status.NOT_FOUND);
  assert.equal((await unary(client.health, 'List')).statuses['outsiders.Probe'].status, 'SERVING');
  const watch = client.health.Watch({ service: 'nobody' });
  const statuses = watch[Symbol.asyncIterator]();
  assert.equal((await statuses.next()).value.status, 'SERVICE_UNKNOWN');
  watch.cancel();
  await failure(statuses.next());
});
