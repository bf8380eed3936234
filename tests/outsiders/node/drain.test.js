// The end, seen by @grpc/grpc-js: a call in flight finishes, a watch of health ends with OK.

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Client, Server, all, unary } = require('./server.js');

test('calls in flight finish while the server drains', async () => {
  const server = await Server.serve({ max_shutdown_ms: 20_000 });
  const client = new Client(server.address);
  const lingering = unary(client.probe, 'Linger', { ms: 300 });
  const watch = client.health.Watch({ service: '' })[Symbol.asyncIterator]();
  assert.equal((await watch.next()).value.status, 'SERVING');
  await client.account('/outsiders.Probe/Linger', { begun: 1 });
  const [report, answer, statuses] = await Promise.all([server.stop(), lingering, all(watch)]);
  assert.deepEqual(answer, {});
  assert.deepEqual(statuses.map(({ status }) => status), ['NOT_SERVING']);
  assert.ok(report.report.took_ms < 10_000, `it took ${report.report.took_ms} ms`);
  client.close();
});
