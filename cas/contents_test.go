package cas_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

// published are the operations of version 2020-04-07.
var published = []string{
	"AddCloudAccess", "ApplyCertificate", "BatchUpdateNoticeStatus", "CancelCertificateForPackageRequest",
	"CancelOrderRequest", "CancelPendingCertificate", "CreateCertificateForPackageRequest", "CreateCertificateRequest",
	"CreateCertificateWithCsrRequest", "CreateCompany", "CreateContact", "CreateCsr", "CreateDeploymentJob",
	"CreateWHClientCertificate", "CreateWarehouse", "Decrypt", "DeleteCertificateRequest", "DeleteCloudAccess",
	"DeleteCompany", "DeleteContact", "DeleteCsr", "DeleteDeploymentJob", "DeleteInstance", "DeletePCACert",
	"DeleteUserCertificate", "DeleteWarehouse", "DeleteWorkerResource", "DescribeCertificateState",
	"DescribeCloudResourceStatus", "DescribeDeploymentJob", "DescribeDeploymentJobStatus", "DescribePackageState",
	"DescribeWarehouseCert", "Encrypt", "GetAssetCount", "GetCertWarehouseQuota", "GetCertificateDetail", "GetCompany",
	"GetContact", "GetCsrDetail", "GetInstanceDetail", "GetInstanceSummary", "GetMatchedResources", "GetRiskCount",
	"GetTaskAttribute", "GetUserCertificateDetail", "ListAssetCount", "ListCert", "ListCertWarehouse",
	"ListCertificates", "ListCloudAccess", "ListCloudResources", "ListCompanies", "ListContact", "ListCsr",
	"ListDeploymentJob", "ListDeploymentJobCert", "ListDeploymentJobResource", "ListInstances",
	"ListUserCertificateOrder", "ListWarehouse", "ListWorkerResource", "MoveResourceGroup", "RefundInstance",
	"RenewCertificateOrderForPackageRequest", "RevokeCertificate", "RevokeWHClientCertificate", "Sign", "UpdateCompany",
	"UpdateContact", "UpdateCsr", "UpdateDeploymentJob", "UpdateDeploymentJobStatus", "UpdateInstance",
	"UpdateWorkerResourceStatus", "UploadCsr", "UploadPCACert", "UploadUserCertificate", "Verify",
}

// The table of contents has every published operation once, and no other.
func TestContents(t *testing.T) {
	var got []string
	for _, operation := range (&cas.Service{}).API().Operations {
		got = append(got, operation.Name)
	}
	slices.Sort(got)
	if !slices.Equal(got, published) {
		t.Errorf("the table has\n%v\nwant\n%v", got, published)
	}
}

// What is not served yet says so, names itself, and needs a signature like the rest.
func TestLaterOperations(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	for _, operation := range (&cas.Service{}).API().Operations {
		if !operation.Later {
			continue
		}
		answer := env.Signed(operation.Name, map[string]string{"CertIds": "[1,2]"})
		if answer.Status != http.StatusBadRequest || answer.Code() != string(chancery.UnsupportedOperation) || !strings.HasPrefix(answer.Message(), operation.Name+" ") {
			t.Errorf("%s: HTTP %d %s", operation.Name, answer.Status, answer.Body)
		}
		forged := env.Signed(operation.Name, nil, func(r *testenv.Request) { r.Credentials.AccessKeySecret = []byte("guessed") })
		if forged.Code() != "SignatureDoesNotMatch" {
			t.Errorf("%s with a wrong signature: %s", operation.Name, forged.Body)
		}
	}
}
