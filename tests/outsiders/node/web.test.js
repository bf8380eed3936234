// gRPC-Web by @connectrpc/connect-web, over HTTP/1.1 as a browser's fetch, and by curl over both versions of HTTP.

'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { after, before, test } = require('node:test');
const { promisify } = require('node:util');
const { create, createFileRegistry, fromBinary } = require('@bufbuild/protobuf');
const { FileDescriptorProtoSchema, FileDescriptorSetSchema } = require('@bufbuild/protobuf/wkt');
const { Code, ConnectError, createClient } = require('@connectrpc/connect');
const { createGrpcWebTransport } = require('@connectrpc/connect-web');
const { Server, definition } = require('./server.js');

const TEST = 'grpc.testing.TestService';
let server;
let client;
let url;

/** What describes the service, as the loader of protos has it: it names types of the same package without that. */
function service(name) {
  const files = definition[name].UnaryCall.requestType.fileDescriptorProtos;
  const all = files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  const file = all.filter((file) => name.startsWith(`${file.package}.`));
  for (const { package: within, messageType, service } of file) {
    const whole = (type) => (type === '' || type.startsWith('.') ? type : `.${within}.${type}`);
    for (const field of messageType.flatMap((message) => message.field)) field.typeName = whole(field.typeName);
    for (const method of service.flatMap(({ method }) => method)) {
      [method.inputType, method.outputType] = [whole(method.inputType), whole(method.outputType)];
    }
  }
  return createFileRegistry(create(FileDescriptorSetSchema, { file })).getService(name);
}

before(async () => {
  server = await Server.serve({ grpc_web: true, max_concurrent_calls: 50 });
  url = `http://${server.address}`;
  client = createClient(service(TEST), createGrpcWebTransport({ baseUrl: url, defaultTimeoutMs: 20_000 }));
});

after(async () => {
  await server.stop();
});

const failure = async (call) => {
  try {
    await call();
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error('it should have failed');
};

test('a unary call is answered', async () => {
  const answer = await client.unaryCall({ responseSize: 300_000, payload: { body: new Uint8Array(200_000) } });
  assert.equal(answer.payload.body.length, 300_000);
});

test('a server stream comes whole and in order', async () => {
  const wanted = Array.from({ length: 100 }, (_, size) => size);
  const sizes = [];
  const parameters = wanted.map((size) => ({ size }));
  for await (const answer of client.streamingOutputCall({ responseParameters: parameters })) {
    sizes.push(answer.payload?.body.length ?? 0);
  }
  assert.deepEqual(sizes, wanted);
});

test('a status of a handler comes with its text', async () => {
  const error = await failure(() => client.unaryCall({ responseStatus: { code: 9, message: 'für niemand' } }));
  assert.deepEqual([error.code, error.rawMessage], [Code.FailedPrecondition, 'für niemand']);
});

test('a method that is not implemented says so', async () => {
  const error = await failure(() => client.unimplementedCall({}));
  assert.equal(error.code, Code.Unimplemented);
});

test('a deadline is kept by the server', async () => {
  const headers = { 'grpc-timeout': '50m' };
  const parameters = [{ size: 1, intervalUs: 10_000_000 }];
  const error = await failure(async () => {
    for await (const _ of client.streamingOutputCall({ responseParameters: parameters }, { headers, timeoutMs: 0 }));
  });
  assert.equal(error.code, Code.DeadlineExceeded);
});

test('a stream that is cancelled ends on the server, too', async () => {
  const cancel = new AbortController();
  const parameters = [{ size: 1 }, { size: 1, intervalUs: 60_000_000 }];
  const error = await failure(async () => {
    const stream = client.streamingOutputCall({ responseParameters: parameters }, { signal: cancel.signal });
    for await (const _ of stream) cancel.abort();
  });
  // That the handler is gone is checked when the server ends.
  assert.equal(error.code, Code.Canceled);
});

const curl = async (version, kind, body) => {
  const { stdout } = await promisify(execFile)(
    'curl',
    ['-sS', '--max-time', '20', version, '-D', '-', '-H', `Content-Type: ${kind}`, '-H', `Accept: ${kind}`]
      .concat(['-H', 'X-Grpc-Web: 1', '--data-binary', body, `${url}/${TEST}/EmptyCall`]),
  );
  const [head, ...rest] = stdout.split('\r\n\r\n');
  return { head: head.toLowerCase(), body: rest.join('\r\n\r\n') };
};

for (const version of ['--http1.1', '--http2-prior-knowledge']) {
  test(`curl ${version} calls as text, and gets its trailers as text`, async () => {
    const { head, body } = await curl(version, 'application/grpc-web-text', 'AAAAAAA=');
    assert.match(head, /^http\/[12](\.1)? 200/);
    assert.match(head, /content-type: application\/grpc-web-text\+proto/);
    // Each frame is encoded by itself.
    const frames = body.match(/[A-Za-z0-9+/]+={0,2}/g).map((text) => Buffer.from(text, 'base64').toString('latin1'));
    assert.equal(frames[0], '\0\0\0\0\0');
    assert.match(frames.at(-1), /^\x80\0\0\0.grpc-status:0/s);
  });
}

test('curl with another codec is refused by HTTP', async () => {
  const { head } = await curl('--http1.1', 'application/grpc-web+thrift', 'AAAAAAA=');
  assert.match(head, /^http\/1.1 415/);
});
