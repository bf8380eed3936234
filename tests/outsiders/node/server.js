// The server under test, as a child process, and clients of it.

'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const readline = require('node:readline');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const ROOT = path.join(__dirname, '..', '..', '..');
const definition = loader.loadSync(
  ['grpc/testing/test.proto', 'outsiders/probe.proto', 'grpc/health/v1/health.proto'],
  {
    includeDirs: [path.join(__dirname, '..', 'server', 'proto'), path.join(ROOT, 'proto')],
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: true,
  },
);
const protos = grpc.loadPackageDefinition(definition);

/** How long anything may take that has no reason to take long. */
const soon = () => ({ deadline: Date.now() + 20_000 });

class Server {
  static async serve(options = {}) {
    const server = new Server();
    server.process = spawn(process.env.OUTSIDERS_SERVER, [JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    server.exited = once(server.process, 'exit');
    server.lines = readline.createInterface({ input: server.process.stdout })[Symbol.asyncIterator]();
    for (let expected = options.http ? 2 : 1; expected > 0; expected--) {
      const { address, service } = JSON.parse((await server.lines.next()).value);
      server[service === undefined ? 'address' : 'http'] = address;
    }
    return server;
  }

  /** Asks it to end, and returns its last line. The end has to be a clean one. */
  async stop() {
    this.process.kill('SIGTERM');
    const report = JSON.parse((await this.lines.next()).value);
    const [code] = await this.exited;
    if (code !== 0 || !report.ok || report.sockets_left !== 0 || report.calls_left !== 0) {
      throw new Error(`the server did not end cleanly: ${JSON.stringify(report)}`);
    }
    return report;
  }
}

class Client {
  constructor(address, credentials = grpc.credentials.createInsecure(), options = {}) {
    const own = { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0, ...options };
    this.test = new protos.grpc.testing.TestService(address, credentials, own);
    this.probe = new protos.outsiders.Probe(address, credentials, own);
    this.health = new protos.grpc.health.v1.Health(address, credentials, own);
  }

  close() {
    for (const stub of [this.test, this.probe, this.health]) stub.close();
  }

  /** How the calls of a method went, once at least so many have. */
  account(method, atLeast = {}) {
    return unary(this.probe, 'Account', { method, ...atLeast });
  }
}

/** A unary call: its answer, with the call's metadata and status in `about` where that is given. */
function unary(stub, method, request = {}, { metadata = new grpc.Metadata(), options = soon(), about = {} } = {}) {
  return new Promise((resolve, reject) => {
    const call = stub[method](request, metadata, options, (error, answer) => {
      about.error = error;
      about.answer = answer;
    });
    call.on('metadata', (initial) => (about.initial = initial));
    call.on('status', (status) => {
      about.status = status;
      // The callback has been called, or is about to be.
      setImmediate(() => (about.error ? reject(about.error) : resolve(about.answer)));
    });
    about.call = call;
  });
}

/** All messages of a stream, to its end. */
async function all(stream) {
  const messages = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

/** The error of what is to fail. */
async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/**
 * Plays `call` with a deadline that is so far away that its handler has begun before: how long that takes nobody knows, so the
 * time is doubled until it does. Returns what came of that call.
 */
async function begunBefore(client, method, call) {
  for (let ms = 200; ms < 20_000; ms *= 2) {
    const { begun } = await client.account(method);
    const came = await call({ deadline: Date.now() + ms });
    if ((await client.account(method)).begun > begun) return came;
  }
  throw new Error(`no call of ${method} has reached its handler before its deadline`);
}

module.exports = { Client, Server, all, begunBefore, definition, failure, grpc, soon, unary };
