'use strict';

// Every operation with every parameter; ../README.md describes the contract.
//
// A step names the operation, the client that sends it, and its parameters by
// their names on the wire. It may keep something of the answer for later steps.
// typed  @alicloud/cas20200407: the operations and parameters that it has
// core   @alicloud/openapi-core, its generic call: the same wire for the rest
// older  @alicloud/pop-core: the older versions, as their callers use it

const fs = require('fs');
const { default: Core, OpenApiUtil, $OpenApiUtil } = require('@alicloud/openapi-core');
const { RPCClient } = require('@alicloud/pop-core');
const cas = require('@alicloud/cas20200407');

const CURRENT = '2020-04-07';
const config = {
  endpoint: process.env.CHANCERY_ENDPOINT,
  protocol: 'http',
  accessKeyId: process.env.CHANCERY_ACCESS_KEY_ID,
  accessKeySecret: process.env.CHANCERY_ACCESS_KEY_SECRET,
};
const given = JSON.parse(fs.readFileSync(process.env.CHANCERY_MATERIAL, 'utf8'));
const known = {}; // ids from answers

async function typed(operation, version, parameters) {
  const Request = cas[`${operation}Request`];
  const fieldOf = {};
  for (const [field, name] of Object.entries(Request.names())) {
    fieldOf[name] = field;
  }
  const fields = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (!fieldOf[name]) {
      throw new Error(`the client's ${operation} has no ${name}`);
    }
    fields[fieldOf[name]] = name === 'Tags'
      ? value.map((tag) => new cas[`${operation}RequestTags`]({ key: tag.Key, value: tag.Value }))
      : value;
  }
  const client = new cas.default(new $OpenApiUtil.Config(config));
  const method = operation[0].toLowerCase() + operation.slice(1);
  const { body } = await client[method](new Request(fields));
  return body.toMap();
}

async function core(operation, version, parameters) {
  const client = new Core(new $OpenApiUtil.Config(config));
  const { body } = await client.callApi(new $OpenApiUtil.Params({
    action: operation,
    version,
    protocol: 'HTTPS',
    pathname: '/',
    method: 'POST',
    authType: 'AK',
    style: 'RPC',
    reqBodyType: 'formData',
    bodyType: 'json',
  }), new $OpenApiUtil.OpenApiRequest({ query: OpenApiUtil.query(parameters) }), {});
  return body;
}

function older(operation, version, parameters) {
  const client = new RPCClient(Object.assign({}, config, { endpoint: `http://${config.endpoint}`, apiVersion: version }));
  return client.request(operation, parameters, { method: 'POST' });
}

const tags = [{ Key: 'env', Value: 'a b~c' }, { Key: 'Größe', Value: '+' }];
const person = { Username: "Tom O'Neil (ops) ä+*~", Phone: '13900001111', Email: 'ops+dv@example.com' };
const company = {
  CompanyName: 'Example & Söhne', CompanyType: 1, CompanyCode: '91-1', CompanyPhone: '+86 571', CompanyEmail: 'ops@example.com',
  CompanyAddress: '1 High Street', PostCode: '310000', CountryCode: 'CN', Province: 'Zhejiang', City: 'Hangzhou', Department: 'IT', Lang: 'en',
};
const contact = { Name: 'Ada', Mobile: '13900001111', Email: 'ada@example.com', Idcard: '4711', Webhooks: '["https://example.com/hook"]' };
const pages = { CurrentPage: 1, ShowSize: 50 };

// step(operation, client, parameters, keep): parameters is a function, since
// they may need earlier answers.
const steps = [];
function step(operation, client, parameters, keep, version = CURRENT) {
  steps.push({ operation, client, parameters, keep, version });
}

step('CreateContact', core, () => contact, (answer) => { known.contact = answer.ContactId; });
step('UpdateContact', core, () => Object.assign({ ContactId: known.contact }, contact, { Name: 'Ada L.' }));
step('GetContact', core, () => ({ ContactId: known.contact }));
step('ListContact', typed, () => Object.assign({ Keyword: 'ada' }, pages));
step('CreateCompany', core, () => company, (answer) => { known.company = answer.CompanyId; });
step('UpdateCompany', core, () => Object.assign({ CompanyId: known.company }, company, { City: 'Ningbo' }));
step('GetCompany', core, () => ({ CompanyId: known.company }));
step('ListCompanies', core, () => Object.assign({ CompanyId: known.company, Keyword: 'example' }, pages));

step('CreateCsr', typed, () => ({
  Algorithm: 'ECC', KeySize: 256, CommonName: 'csr.example.test', CountryCode: 'CN', Province: 'Zhejiang', Locality: 'Hangzhou',
  CorpName: 'Example', Department: 'IT', Sans: 'www.csr.example.test', Name: 'made',
}), (answer) => { known.madeCsr = answer.CsrId; });
step('UploadCsr', typed, () => ({ Csr: given.csr, Key: given.csrKey, Name: 'with-key' }));
step('UploadCsr', typed, () => ({ Csr: given.otherCsr, Name: 'without-key' }), (answer) => { known.csr = answer.CsrId; });
step('UpdateCsr', typed, () => ({ CsrId: known.csr, Key: given.otherCsrKey }));
step('GetCsrDetail', typed, () => ({ CsrId: known.csr }));
step('ListCsr', typed, () => Object.assign({ Algorithm: 'ECC', KeyWord: 'example' }, pages));

step('CreateCertificateRequest', typed, () => Object.assign({
  Domain: 'typed.example.test', ValidateType: 'DNS', ProductCode: 'brief', Tags: tags,
}, person), (answer) => { known.order = answer.OrderId; });
step('CreateCertificateRequest', core, () => Object.assign({
  Domain: 'core.example.test', ValidateType: 'FILE', ProductCode: 'brief', Tags: tags, ClientToken: 'core-1',
}, person));
step('CreateCertificateWithCsrRequest', typed, () => Object.assign({
  Csr: given.csr, ValidateType: 'DNS', ProductCode: 'brief', Tags: tags,
}, person));
step('CreateCertificateWithCsrRequest', core, () => Object.assign({
  Csr: given.csr, ValidateType: 'FILE', ProductCode: 'brief', Tags: tags, ClientToken: 'core-2',
}, person));
step('CreateCertificateForPackageRequest', typed, () => Object.assign({
  Domain: 'a.example.test,b.example.test', ValidateType: 'DNS', ProductCode: 'organised', CompanyName: company.CompanyName, Tags: tags,
}, person));
step('CreateCertificateForPackageRequest', core, () => Object.assign({
  Domain: 'c.example.test', Csr: given.csr, ValidateType: 'DNS', ProductCode: 'organised', CompanyName: company.CompanyName, Tags: tags,
  ClientToken: 'core-3',
}, person), (answer) => { known.cancelled = answer.OrderId; });
step('RenewCertificateOrderForPackageRequest', typed, () => ({ OrderId: given.issuedOrder, Csr: given.renewalCsr, Tags: tags }));
step('RenewCertificateOrderForPackageRequest', core, () => ({ OrderId: given.issuedOrder, Csr: given.renewalCsr, Tags: tags, ClientToken: 'core-4' }));
step('DescribeCertificateState', typed, () => ({ OrderId: given.issuedOrder }));
step('DescribeCertificateState', core, () => ({ OrderId: known.order, Verbose: true }));
step('DescribePackageState', typed, () => ({ ProductCode: 'brief' }));

step('UploadUserCertificate', typed, () => ({
  Name: 'typed ä+*~', Cert: given.cert, Key: given.key, ResourceGroupId: 'rg-one', Tags: tags,
}), (answer) => { known.cert = answer.CertId; });
step('UploadUserCertificate', typed, () => ({
  Name: 'sm2', SignCert: given.signCert, SignPrivateKey: given.signKey, EncryptCert: given.encryptCert, EncryptPrivateKey: given.encryptKey,
}));
step('ListUserCertificateOrder', typed, () => Object.assign({
  OrderType: 'CERT', Status: 'ISSUED', Keyword: 'example', ResourceGroupId: 'rg-one',
}, pages));
step('MoveResourceGroup', typed, () => ({
  ResourceId: String(known.cert), ResourceType: 'Certificate', ResourceGroupId: 'rg-two', RegionId: 'cn-hangzhou',
}));
step('CreateCertificateName', older, () => ({
  CertificateId: known.cert, Name: "renamed 'é' *~", Tags: tags, ResourceGroupId: 'rg-three',
}), undefined, '2018-08-13');
step('GetUserCertificateDetail', typed, () => ({ CertId: known.cert, CertFilter: false }));
step('CreateUserCertificate', older, () => ({ Name: 'older', Cert: given.cert, Key: given.key }), (answer) => { known.older = answer.CertId; }, '2018-07-13');
step('DescribeUserCertificateList', older, () => pages, undefined, '2018-07-13');
step('DescribeUserCertificateDetail', older, () => ({ CertId: known.older }), undefined, '2018-07-13');
step('DeleteUserCertificate', older, () => ({ CertId: known.older }), undefined, '2018-07-13');
step('GetCallerIdentity', older, () => ({}), undefined, '2015-04-01');

step('CancelOrderRequest', typed, () => ({ OrderId: known.order }));
step('DeleteCertificateRequest', typed, () => ({ OrderId: known.order }));
step('CancelOrderRequest', typed, () => ({ OrderId: known.cancelled }));
step('CancelCertificateForPackageRequest', core, () => ({ OrderId: known.cancelled, Reason: 'superseded' }));
step('DeleteUserCertificate', typed, () => ({ CertId: known.cert }));
step('DeleteCsr', typed, () => ({ CsrId: known.madeCsr }));
step('DeleteContact', core, () => ({ ContactId: known.contact }));
step('DeleteCompany', core, () => ({ CompanyId: known.company }));

function print(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

async function run() {
  const wanted = new Set(given.operations);
  for (const { operation, client, parameters, keep, version } of steps) {
    const name = `${version} ${operation}`;
    if (!given.operations.includes(name)) {
      continue; // not served yet
    }
    wanted.delete(name);
    const line = { operation, version, client: client.name, parameters: [] };
    try {
      const sent = parameters();
      line.parameters = Object.keys(sent);
      const answer = await client(operation, version, sent);
      if (keep) {
        keep(answer);
      }
      print(Object.assign(line, { ok: true, answer }));
    } catch (error) {
      print(Object.assign(line, { ok: false, error: { code: error.code || '', message: error.message } }));
    }
  }
  for (const name of wanted) {
    const [version, operation] = name.split(' ');
    print({ operation, version, client: '', parameters: [], ok: false, error: { code: '', message: 'this program does not call it' } });
  }
}

run();
