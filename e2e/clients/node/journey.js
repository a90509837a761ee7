'use strict';

// The journey every Node client makes; ../README.md describes the contract.
//
// run(connect) takes a function that builds an adapter from the settings:
//   quota(productCode)     -> {total, used, issued, productCode}
//   create(order)          -> order id, as the client gives it
//   createWithCsr(order)   -> order id, as the client gives it
//   state(orderId)         -> {type, validateType, recordDomain, ...}
//   cancel(orderId), remove(orderId)
//   fault(error)           -> {code, status, message, requestId, recommend}

const readline = require('readline');

const POLL_EVERY = 300;
const POLL_FOR = 60000;
const AGAIN_AFTER = 1000;

function settings(env) {
  const required = (name) => {
    if (!env[name]) {
      throw new Error(`${name} is not set`);
    }
    return env[name];
  };
  return {
    endpoint: required('CHANCERY_ENDPOINT'),
    accessKeyId: required('CHANCERY_ACCESS_KEY_ID'),
    accessKeySecret: required('CHANCERY_ACCESS_KEY_SECRET'),
    httpMethod: env.CHANCERY_HTTP_METHOD || '',
    cancel: env.CHANCERY_CANCEL === '1',
    retry: env.CHANCERY_RETRY === '1',
    again: Number(env.CHANCERY_AGAIN || 0),
    proofFor: 1000 * Number(env.CHANCERY_POLL_SECONDS || 0),
    pollFor: 1000 * Number(env.CHANCERY_POLL_SECONDS || 0) || POLL_FOR,
    order: {
      username: "Tom O'Neil (ops) ä+*~",
      phone: '13900001111',
      email: 'ops+dv@example.com',
      domain: env.CHANCERY_CSR ? undefined : required('CHANCERY_DOMAIN'),
      csr: env.CHANCERY_CSR || undefined,
      validateType: env.CHANCERY_METHOD || 'DNS',
      productCode: env.CHANCERY_PRODUCT || undefined,
      tags: [{ key: 'env', value: 'a b~c' }],
    },
  };
}

function print(step, fields) {
  process.stdout.write(JSON.stringify(Object.assign({ step }, fields)) + '\n');
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

// present turns what a client leaves unset into an empty text.
function present(fields) {
  const result = {};
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    result[name] = value === undefined || value === null ? '' : value;
  }
  return result;
}

// published resolves at the first line of standard input.
function published() {
  return new Promise((resolve, reject) => {
    const lines = readline.createInterface({ input: process.stdin });
    let seen = false;
    lines.once('line', () => {
      seen = true;
      lines.close();
    });
    lines.once('close', () => {
      if (seen) {
        process.stdin.destroy();
        resolve();
      } else {
        reject(new Error('standard input ended before the proof was published'));
      }
    });
  });
}

// proof asks until the service knows what is to be published, which may take another CA
// or another node a while.
async function proof(client, orderId, proofFor) {
  const deadline = Date.now() + proofFor;
  for (;;) {
    const state = await client.state(orderId);
    if (state.type !== 'domain_verify' || state.recordValue || state.content || Date.now() > deadline) {
      return state;
    }
    await sleep(POLL_EVERY);
  }
}

async function issued(client, orderId, pollFor) {
  const deadline = Date.now() + pollFor;
  for (;;) {
    const state = await client.state(orderId);
    if (state.type === 'certificate') {
      return state;
    }
    if (state.type === 'verify_fail') {
      throw new Error(`order ${orderId}: verify_fail`);
    }
    if (Date.now() > deadline) {
      throw new Error(`order ${orderId}: still ${state.type} after ${pollFor} ms`);
    }
    await sleep(POLL_EVERY);
  }
}

async function refusal(client, call) {
  let answer;
  try {
    answer = await call();
  } catch (error) {
    const fault = client.fault(error);
    if (!fault.status) {
      throw error;
    }
    return present(fault);
  }
  throw new Error(`expected an error, got ${JSON.stringify(answer)}`);
}

// persistent makes a call anew that no answer came to, or one of 500 and above, as the
// user of a client does that does not do so itself.
function persistent(client, again) {
  const result = Object.assign({}, client);
  for (const name of ['quota', 'create', 'createWithCsr', 'state']) {
    result[name] = async (argument) => {
      for (let left = again; ; left -= 1) {
        try {
          return await client[name](argument);
        } catch (error) {
          const { status } = client.fault(error);
          if (left === 0 || (status && status < 500)) {
            throw error;
          }
          await sleep(AGAIN_AFTER);
        }
      }
    };
  }
  return result;
}

async function journey(connect) {
  const set = settings(process.env);
  const client = persistent(connect(set), set.again);
  const product = set.order.productCode;

  print('quota', await client.quota(product));
  const orderId = await (set.order.csr ? client.createWithCsr(set.order) : client.create(set.order));
  print('created', { orderId: String(orderId) });
  const { type, validateType, recordDomain, recordType, recordValue, domain, uri, content } = await proof(client, orderId, set.proofFor);
  print('proof', present({ type, validateType, recordDomain, recordType, recordValue, domain, uri, content }));

  if (set.cancel) {
    await client.cancel(orderId);
    print('withdrawn', { type: (await client.state(orderId)).type });
    await client.remove(orderId);
    print('deleted', { code: (await refusal(client, () => client.state(orderId))).code });
    print('quota2', await client.quota(product));
    return;
  }

  await published();
  const { certificate, privateKey } = await issued(client, orderId, set.pollFor);
  print('issued', present({ certificate, privateKey }));
  print('quota2', await client.quota(product));
  print('error', await refusal(client, () => client.state(1)));

  const stranger = persistent(connect(Object.assign({}, set, { accessKeySecret: set.accessKeySecret + 'x' })), set.again);
  print('badsecret', await refusal(stranger, () => stranger.quota(product)));
}

function run(connect) {
  journey(connect).catch((error) => {
    process.stderr.write(`${error.name}: ${error.message}\n`);
    process.exitCode = 1;
  }).then(() => process.stdin.destroy());
}

module.exports = { run };
