package cas

import (
	"context"
	"strings"

	"chancery"
)

// Later answers an operation that is not served yet.
type Later struct{}

// later is the row of an operation that is not served yet. instead says what to
// use meanwhile; empty if there is nothing.
func later(name, instead string) chancery.Operation {
	message := name + " is not served yet"
	if instead != "" {
		message += "; " + instead
	}
	row := chancery.Bind(name, accessOf(name), "Not yet: answers `UnsupportedOperation`.",
		func(context.Context, chancery.Caller, *Later) (*Done, error) {
			return nil, chancery.Errorf(chancery.UnsupportedOperation, "%s", message)
		})
	row.Later = true
	return row
}

// accessOf guesses the level by the name, as pages give it for like ones.
func accessOf(name string) chancery.AccessLevel {
	for _, level := range []struct {
		prefix string
		access chancery.AccessLevel
	}{
		{"Get", chancery.AccessGet}, {"Describe", chancery.AccessGet}, {"List", chancery.AccessList},
		{"Create", chancery.AccessCreate}, {"Add", chancery.AccessCreate}, {"Upload", chancery.AccessCreate},
		{"Delete", chancery.AccessDelete},
	} {
		if strings.HasPrefix(name, level.prefix) {
			return level.access
		}
	}
	return chancery.AccessUpdate
}

// laterOperations are those of deployment, repositories, instances and statistics.
func laterOperations() []chancery.Operation {
	const (
		byOrder = "apply with CreateCertificateRequest, which opens an order"
		byState = "an order and its certificate are seen with DescribeCertificateState and ListUserCertificateOrder"
		byList  = "certificates are listed with ListUserCertificateOrder"
		byHand  = "fetch certificate and key with GetUserCertificateDetail and install them yourself"
	)
	return []chancery.Operation{
		later("ApplyCertificate", byOrder), later("UpdateInstance", byOrder), later("ListInstances", byState),
		later("GetInstanceDetail", byState), later("GetInstanceSummary", "DescribePackageState counts what can be applied for"),
		later("GetTaskAttribute", byState), later("CancelPendingCertificate", "withdraw an order with CancelOrderRequest"),
		later("RevokeCertificate", "revoke an order's certificate with CancelCertificateForPackageRequest"),
		later("RefundInstance", "nothing is bought through this API"), later("DeleteInstance", "delete an order with DeleteCertificateRequest"),
		later("ListCertificates", byList), later("GetCertificateDetail", "use GetUserCertificateDetail"),

		later("CreateDeploymentJob", byHand), later("UpdateDeploymentJob", ""), later("UpdateDeploymentJobStatus", ""),
		later("DeleteDeploymentJob", ""), later("DescribeDeploymentJob", ""), later("DescribeDeploymentJobStatus", ""),
		later("ListDeploymentJob", ""), later("ListDeploymentJobCert", byList), later("ListDeploymentJobResource", ""),
		later("ListWorkerResource", ""), later("DeleteWorkerResource", ""), later("UpdateWorkerResourceStatus", ""),
		later("ListCloudResources", ""), later("DescribeCloudResourceStatus", ""), later("ListCloudAccess", ""),
		later("AddCloudAccess", ""), later("DeleteCloudAccess", ""), later("GetMatchedResources", ""),

		later("ListCertWarehouse", byList), later("ListWarehouse", byList), later("ListCert", byList),
		later("DescribeWarehouseCert", "use GetUserCertificateDetail"), later("CreateWarehouse", ""), later("DeleteWarehouse", ""),
		later("GetCertWarehouseQuota", ""), later("DeletePCACert", ""), later("UploadPCACert", "use UploadUserCertificate"),
		later("CreateWHClientCertificate", byOrder), later("RevokeWHClientCertificate", ""),
		later("Encrypt", ""), later("Decrypt", ""), later("Sign", ""), later("Verify", ""),

		later("GetAssetCount", ""), later("ListAssetCount", ""), later("GetRiskCount", ""), later("BatchUpdateNoticeStatus", ""),
	}
}
