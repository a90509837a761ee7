package cas

import "chancery"

// defaultRate is what an account may call a second where the original's pages say
// nothing.
const defaultRate = 10

// rates are the calls a second that the operation pages of the original allow an
// account, where that is not defaultRate.
var rates = map[string]int{
	"CancelOrderRequest": 100, "DeleteUserCertificate": 100, "GetUserCertificateDetail": 100, "UploadUserCertificate": 100,
	"Sign": 1000, "Verify": 1000,
}

func withRates(api chancery.API) chancery.API {
	for i, operation := range api.Operations {
		if api.Operations[i].Rate = rates[operation.Name]; api.Operations[i].Rate == 0 {
			api.Operations[i].Rate = defaultRate
		}
	}
	return api
}
