// Calls a server over mutual TLS: node tls_client.js ADDRESS AUTHORITY CERTIFICATE KEY

'use strict';

const { readFileSync } = require('node:fs');
const { Client, grpc, unary } = require('./server.js');

async function main([address, ...files]) {
  const [root, cert, key] = files.map((file) => readFileSync(file));
  const client = new Client(address, grpc.credentials.createSsl(root, key, cert));
  const { certificates } = await unary(client.probe, 'Inspect');
  // Node also shows the authority, where it knows it.
  console.log(certificates > 0 ? 'seen' : 'not seen');
  client.close();
}

main(process.argv.slice(2));
