'use strict';

// @alicloud/pop-core, the older generic client: V1 signature, GET with
// everything in the query or POST with everything in the form.

const { RPCClient } = require('@alicloud/pop-core');
const { run } = require('./journey');

function connect(set) {
  const client = new RPCClient({
    endpoint: `http://${set.endpoint}`,
    apiVersion: '2020-04-07',
    accessKeyId: set.accessKeyId,
    accessKeySecret: set.accessKeySecret,
  });

  function call(action, parameters) {
    const sent = {};
    for (const name of Object.keys(parameters)) {
      if (parameters[name] !== undefined) {
        sent[name] = parameters[name];
      }
    }
    return client.request(action, sent, { method: set.httpMethod || 'GET' });
  }

  function application(order) {
    return {
      Username: order.username,
      Phone: order.phone,
      Email: order.email,
      ValidateType: order.validateType,
      ProductCode: order.productCode,
      Tags: order.tags.map((tag) => ({ Key: tag.key, Value: tag.value })),
    };
  }

  return {
    async quota(productCode) {
      const answer = await call('DescribePackageState', { ProductCode: productCode });
      return {
        total: answer.TotalCount,
        used: answer.UsedCount,
        issued: answer.IssuedCount,
        productCode: answer.ProductCode,
      };
    },

    async create(order) {
      const parameters = Object.assign(application(order), { Domain: order.domain });
      return (await call('CreateCertificateRequest', parameters)).OrderId;
    },

    async createWithCsr(order) {
      const parameters = Object.assign(application(order), { Csr: order.csr });
      return (await call('CreateCertificateWithCsrRequest', parameters)).OrderId;
    },

    async state(orderId) {
      const answer = await call('DescribeCertificateState', { OrderId: orderId });
      return {
        type: answer.Type,
        validateType: answer.ValidateType,
        recordDomain: answer.RecordDomain,
        recordType: answer.RecordType,
        recordValue: answer.RecordValue,
        domain: answer.Domain,
        uri: answer.Uri,
        content: answer.Content,
        certificate: answer.Certificate,
        privateKey: answer.PrivateKey,
      };
    },

    async cancel(orderId) {
      await call('CancelOrderRequest', { OrderId: orderId });
    },

    async remove(orderId) {
      await call('DeleteCertificateRequest', { OrderId: orderId });
    },

    fault(error) {
      const data = error.data || {};
      return {
        code: error.code,
        status: error.entry && error.entry.response.statusCode,
        message: error.message,
        requestId: data.RequestId,
        recommend: data.Recommend,
      };
    },
  };
}

run(connect);
