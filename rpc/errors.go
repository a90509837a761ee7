package rpc

import (
	"errors"
	"net/http"

	"chancery"
)

// Codes of the gateway itself, as the API's pages name them.
const (
	UnsupportedHTTPMethod      chancery.Code = "UnsupportedHTTPMethod"
	InvalidActionNotFound      chancery.Code = "InvalidAction.NotFound"
	InvalidAccessKeyIDNotFound chancery.Code = "InvalidAccessKeyId.NotFound"
	InvalidAccessKeyIDInactive chancery.Code = "InvalidAccessKeyId.Inactive"
	InvalidTimeStampFormat     chancery.Code = "InvalidTimeStamp.Format"
	InvalidTimeStampExpired    chancery.Code = "InvalidTimeStamp.Expired"
	SignatureDoesNotMatch      chancery.Code = "SignatureDoesNotMatch"
	SignatureNonceUsed         chancery.Code = "SignatureNonceUsed"
	MissingSecurityToken       chancery.Code = "MissingSecurityToken"
	SecurityTokenMalformed     chancery.Code = "InvalidSecurityToken.Malformed"
	SecurityTokenMismatch      chancery.Code = "InvalidSecurityToken.MismatchWithAccessKey"
	SecurityTokenExpired       chancery.Code = "InvalidSecurityToken.Expired"
	ForbiddenRAM               chancery.Code = "Forbidden.RAM"
	ThrottlingUser             chancery.Code = "Throttling.User"
)

// ErrorRow is one row of the error table: the HTTP status of a code, and what a
// caller who meets it should do.
type ErrorRow struct {
	Code   chancery.Code
	Status int
	Advice string
}

// Errors is the one table of all codes that callers can get. What is not in it
// is answered as InternalError.
var Errors = []ErrorRow{
	{"MissingAction", http.StatusBadRequest, "Name the operation in the parameter Action, or under V3 in the header x-acs-action."},
	{"MissingVersion", http.StatusBadRequest, "Name the API version in the parameter Version, or under V3 in the header x-acs-version."},
	{"MissingAccessKeyId", http.StatusBadRequest, "Sign the request with an access key; every official client does so once it is given one."},
	{"MissingSignature", http.StatusBadRequest, "The request names an access key and holds no signature. Use an official client, or sign it."},
	{"MissingSignatureMethod", http.StatusBadRequest, "Send SignatureMethod: HMAC-SHA1 or HMAC-SHA256."},
	{"MissingSignatureVersion", http.StatusBadRequest, "Send SignatureVersion=1.0."},
	{"MissingSignatureNonce", http.StatusBadRequest, "Send a SignatureNonce that no other request had."},
	{"MissingTimestamp", http.StatusBadRequest, "Send the time of the request as Timestamp, in UTC."},
	{"InvalidSignatureMethod", http.StatusBadRequest, "Use HMAC-SHA1 or HMAC-SHA256 (V1), or ACS3-HMAC-SHA256 (V3)."},
	{"InvalidSignatureVersion", http.StatusBadRequest, "Use SignatureVersion=1.0."},
	{"InvalidSignatureNonce", http.StatusBadRequest, "Use a shorter nonce, such as a UUID."},
	{"IncompleteSignature", http.StatusBadRequest, "Parts of the signature are missing or do not fit the request; the message says which."},
	{"InvalidVersion", http.StatusBadRequest, "Use a version that is served here; the message names one."},
	{"InvalidParameter.Format", http.StatusBadRequest, "Use Format=JSON or Format=XML."},
	{UnsupportedHTTPMethod, http.StatusBadRequest, "Use GET or POST."},
	{InvalidActionNotFound, http.StatusNotFound, "Check the name of the operation and its letter case; docs/operations.md lists what is served."},
	{InvalidAccessKeyIDNotFound, http.StatusNotFound, "Check the access key id and the endpoint: a key of the cloud is not known here unless it was taken over."},
	{InvalidAccessKeyIDInactive, http.StatusBadRequest, "The key is disabled; ask the operator for another."},
	{InvalidTimeStampFormat, http.StatusBadRequest, "Send the time as 2006-01-02T15:04:05Z, in UTC."},
	{InvalidTimeStampExpired, http.StatusBadRequest, "Set the clock of the calling machine; the message tells the server's time."},
	{SignatureDoesNotMatch, http.StatusBadRequest, "Check the access key secret. If it is right, compare the string to sign in the message with the client's own."},
	{SignatureNonceUsed, http.StatusBadRequest, "Each request, also a repeated one, needs a new nonce and a new signature."},
	{MissingSecurityToken, http.StatusBadRequest, "Send the security token with the temporary access key: SecurityToken under V1, x-acs-security-token under V3."},
	{SecurityTokenMalformed, http.StatusBadRequest, "Send the security token whole, as AssumeRole answered it."},
	{SecurityTokenMismatch, http.StatusBadRequest, "Leave the security token out, or use the temporary key it came with."},
	{SecurityTokenExpired, http.StatusBadRequest, "Assume the role again: temporary credentials end, and can be revoked."},
	{ForbiddenRAM, http.StatusForbidden, "No policy allows this, or one denies it; AccessDeniedDetail says which action. `chancery policy simulate` tells the operator which statement decided."},
	{ThrottlingUser, http.StatusBadRequest, "Wait as long as x-acs-retry-after says (milliseconds) and try again; official clients do so when their retries are on."},
	{"EntityNotExist.Role", http.StatusNotFound, "Check the role's name; `chancery role list` shows those of an account."},
	{"NoPermission", http.StatusForbidden, "Name the caller, or its account, in the trust policy of the role."},
	{"InvalidParameter.RoleArn", http.StatusBadRequest, "Name the role as acs:ram::<account>:role/<name>."},
	{"InvalidParameter.RoleSessionName", http.StatusBadRequest, "Use 2 to 64 letters, digits, '.', '@', '-' or '_'."},
	{"InvalidParameter.DurationSeconds", http.StatusBadRequest, "Ask for 900 seconds up to what the role allows; the message says how much that is."},
	{"InvalidParameter.PolicyGrammar", http.StatusBadRequest, "Send a policy document in JSON; the message says what is wrong with it."},
	{"InvalidParameter.PolicySize", http.StatusBadRequest, "Write the session's policy with at most 2,048 characters, or give the role fewer policies."},
	{chancery.MissingParameter, http.StatusBadRequest, "The message names the parameter that is missing."},
	{chancery.InvalidParameter, http.StatusBadRequest, "The message names the parameter and says what it may be."},
	{chancery.IdempotentParameterMismatch, http.StatusBadRequest, "Use a new ClientToken for an application with other parameters."},
	{chancery.NotFoundOrder, http.StatusNotFound, "Check the order id and that the key belongs to the order's account; a deleted order is gone."},
	{chancery.NotFoundPackage, http.StatusNotFound, "The account has no plan for the product: `chancery plan grant` adds one."},
	{chancery.NotRemainCount, http.StatusNotFound, "The plan is used up: delete failed or withdrawn orders, or grant another plan."},
	{chancery.OrderStateError, http.StatusForbidden, "The order's state does not allow this; DescribeCertificateState tells the state."},
	{chancery.CreateCsrFailed, http.StatusBadRequest, "The service could not make key or CSR; try again, and tell the operator if that does not help."},
	{chancery.KeyExisted, http.StatusBadRequest, "The CSR has its private key already. Upload the CSR once more if it needs another entry."},
	{chancery.MobileIllegal, http.StatusBadRequest, "Give 1 to 32 digits; blanks, +, -, * and parentheses may stand between them."},
	{chancery.NotFound, http.StatusNotFound, "Check the id and that the key belongs to the account that has it."},
	{chancery.NameRepeat, http.StatusBadRequest, "Choose another name: those of certificates are unique in an account."},
	{chancery.CertificateFormat, http.StatusBadRequest, "Send PEM text with its line breaks; certificates alone in Cert, the key alone in Key."},
	{chancery.ParseCertificateFailed, http.StatusBadRequest, "The PEM text is whole and what it holds cannot be read; the message names the parameter."},
	{chancery.CertificateChainNotMatch, http.StatusBadRequest, "Send the key of the certificate, and with the certificate only those that issued it."},
	{chancery.CertificateExpired, http.StatusBadRequest, "Renew the certificate first; an expired one is not taken."},
	{chancery.DeleteProtection, http.StatusBadRequest, "It is still in use; the message says by what. Of certificates, only uploaded, expired and revoked ones can be deleted."},
	{chancery.UnsupportedOperation, http.StatusBadRequest, "The operation is not served yet; the message names another way if there is one, docs/operations.md lists them all."},
	{chancery.ServiceUnavailable, http.StatusServiceUnavailable, "Try again after as many seconds as Retry-After says; x-acs-retry-after says it in milliseconds."},
	{chancery.InternalError, http.StatusInternalServerError, "The fault is the service's. Give the request id to the operator, whose log has the cause."},
}

// lookUp finds what a caller gets for err: a row of the table and the message.
func lookUp(err error) (ErrorRow, string) {
	var public *chancery.Error
	if errors.As(err, &public) {
		if row, known := rowOf(public.Code); known {
			return row, public.Message
		}
	}
	row, _ := rowOf(chancery.InternalError)
	return row, "The request failed inside the service; the operator can find it by its request id."
}

func rowOf(code chancery.Code) (ErrorRow, bool) {
	for _, row := range Errors {
		if row.Code == code {
			return row, true
		}
	}
	return ErrorRow{}, false
}

// HelpHandler serves GET /errors/{code}: the page that Recommend points to.
func HelpHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		row, known := rowOf(chancery.Code(r.PathValue("code")))
		if !known {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(string(row.Code) + "\n\n" + row.Advice + "\n"))
	})
}
