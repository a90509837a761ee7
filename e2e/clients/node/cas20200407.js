'use strict';

// @alicloud/cas20200407, the current typed client: V3 signature, POST,
// parameters in the query.

const { $OpenApiUtil } = require('@alicloud/openapi-core');
const cas = require('@alicloud/cas20200407');
const { RetryOptions } = require('@darabonba/typescript');
const { run } = require('./journey');

// What the client is to send again, by the code of the answer or of the network's error.
const retryOptions = new RetryOptions({
  retryable: true,
  retryCondition: [{
    maxAttempts: 8, exception: [], errorCode: ['ServiceUnavailable', 'ECONNRESET', 'ECONNREFUSED', 'EPIPE'],
    backoff: { policy: 'Fixed', period: 500 },
  }],
});

function connect(set) {
  const client = new cas.default(new $OpenApiUtil.Config({
    retryOptions: set.retry ? retryOptions : undefined,
    // A 503 comes within five seconds; by itself the client waits for three.
    readTimeout: set.retry ? 10_000 : undefined,
    endpoint: set.endpoint,
    protocol: 'http',
    accessKeyId: set.accessKeyId,
    accessKeySecret: set.accessKeySecret,
  }));

  return {
    async quota(productCode) {
      const { body } = await client.describePackageState(new cas.DescribePackageStateRequest({ productCode }));
      return { total: body.totalCount, used: body.usedCount, issued: body.issuedCount, productCode: body.productCode };
    },

    async create(order) {
      const { body } = await client.createCertificateRequest(new cas.CreateCertificateRequestRequest({
        username: order.username,
        phone: order.phone,
        email: order.email,
        domain: order.domain,
        validateType: order.validateType,
        productCode: order.productCode,
        tags: order.tags.map((tag) => new cas.CreateCertificateRequestRequestTags(tag)),
      }));
      return body.orderId;
    },

    async createWithCsr(order) {
      const { body } = await client.createCertificateWithCsrRequest(new cas.CreateCertificateWithCsrRequestRequest({
        username: order.username,
        phone: order.phone,
        email: order.email,
        csr: order.csr,
        validateType: order.validateType,
        productCode: order.productCode,
        tags: order.tags.map((tag) => new cas.CreateCertificateWithCsrRequestRequestTags(tag)),
      }));
      return body.orderId;
    },

    async state(orderId) {
      const { body } = await client.describeCertificateState(new cas.DescribeCertificateStateRequest({ orderId }));
      return body;
    },

    async cancel(orderId) {
      await client.cancelOrderRequest(new cas.CancelOrderRequestRequest({ orderId }));
    },

    async remove(orderId) {
      await client.deleteCertificateRequest(new cas.DeleteCertificateRequestRequest({ orderId }));
    },

    fault(error) {
      return {
        code: error.code,
        status: error.statusCode,
        message: error.message,
        requestId: error.requestId,
        recommend: error.data && error.data.Recommend,
      };
    },
  };
}

run(connect);
