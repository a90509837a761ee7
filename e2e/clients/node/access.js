'use strict';

// Roles, temporary credentials and throttling with the Node clients; ../README.md
// describes the contract.

const { default: Core, $OpenApiUtil, OpenApiUtil } = require('@alicloud/openapi-core');
const { RetryOptions } = require('@darabonba/typescript');
const { RPCClient } = require('@alicloud/pop-core');
const cas = require('@alicloud/cas20200407');

const retryOptions = new RetryOptions({
  retryable: true,
  retryCondition: [{ maxAttempts: 3, exception: ['ThrottlingError'], errorCode: ['Throttling.User'] }],
});

// current is @alicloud/cas20200407, and for the other product what it is made of.
function current(key) {
  const config = new $OpenApiUtil.Config({
    endpoint: process.env.CHANCERY_ENDPOINT, protocol: 'http', ...key, retryOptions,
  });
  const core = new Core(config);
  const client = new cas.default(config);
  const sts = async (action, parameters) => (await core.callApi(new $OpenApiUtil.Params({
    action, version: '2015-04-01', protocol: 'HTTPS', pathname: '/', method: 'POST', authType: 'AK', style: 'RPC', reqBodyType: 'formData', bodyType: 'json',
  }), new $OpenApiUtil.OpenApiRequest({ query: OpenApiUtil.query(parameters) }), {})).body;
  return { sts, call: () => client.describePackageState(new cas.DescribePackageStateRequest({})) };
}

// older is @alicloud/pop-core, which never retries.
function older(key) {
  const at = (apiVersion) => new RPCClient({ endpoint: `http://${process.env.CHANCERY_ENDPOINT}`, apiVersion, ...key });
  return {
    sts: (action, parameters) => at('2015-04-01').request(action, parameters),
    call: () => at('2020-04-07').request('DescribePackageState', {}),
  };
}

function print(fields) {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
}

async function codeOf(call) {
  try {
    await call();
    return '';
  } catch (error) {
    return error.code || String(error);
  }
}

async function main() {
  const connect = { current, 'pop-core': older }[process.env.CHANCERY_CLIENT];
  const client = connect({
    accessKeyId: process.env.CHANCERY_ACCESS_KEY_ID, accessKeySecret: process.env.CHANCERY_ACCESS_KEY_SECRET,
  });
  if (process.env.CHANCERY_CALLS) {
    let failed = 0;
    let code = '';
    for (let i = 0; i < Number(process.env.CHANCERY_CALLS); i += 1) {
      const got = await codeOf(client.call);
      if (got !== '') {
        failed += 1;
        code = got;
      }
    }
    print({ step: 'throttled', failed, code });
    return;
  }
  const { Credentials } = await client.sts('AssumeRole', { RoleArn: process.env.CHANCERY_ROLE, RoleSessionName: 'node' });
  const key = { accessKeyId: Credentials.AccessKeyId, accessKeySecret: Credentials.AccessKeySecret };
  const assumed = connect({ ...key, securityToken: Credentials.SecurityToken });
  const { Arn } = await assumed.sts('GetCallerIdentity', {});
  print({ step: 'assumed', arn: Arn, code: await codeOf(assumed.call), accessKeyId: key.accessKeyId });
  print({ step: 'without token', code: await codeOf(connect(key).call) });
}

main().catch((error) => {
  process.stderr.write(`${error.stack || error}\n`);
  process.exitCode = 1;
});
