package clay

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
)

// kindOfStatus is the outcome table of docs/clay.md for answers. It returns 0
// for a success, i.e. any 2xx.
func kindOfStatus(status int, hinted bool, body []byte) Kind {
	switch status {
	case http.StatusRequestTimeout, http.StatusBadGateway, http.StatusGatewayTimeout,
		520, 521, 522, 523, 524: // a front end answered; what it passed on is not known
		return KindUnknown
	case http.StatusTooEarly, http.StatusTooManyRequests:
		return KindThrottled
	case http.StatusServiceUnavailable:
		if hinted {
			return KindThrottled
		}
		return KindUnavailable
	case http.StatusUnauthorized:
		return KindUnauthorized
	case http.StatusPaymentRequired:
		return KindPaymentRequired
	case http.StatusForbidden:
		if bytes.Contains(body, []byte("Record limit reached")) {
			return KindExhausted
		}
		return KindForbidden
	case http.StatusNotFound, http.StatusGone:
		if bytes.Contains(body, []byte("deprecated API endpoint")) {
			return KindDeprecated
		}
		return KindNotFound
	}
	switch status / 100 {
	case 2:
		return 0
	case 3:
		return KindRedirect
	case 4:
		return KindInvalid
	case 5:
		return KindUnavailable
	default: // 1xx as a final answer, 6xx and beyond: says nothing about the row
		return KindUnknown
	}
}

// kindOfFailure is the same for round trips that ended without an answer.
func kindOfFailure(o Outcome, err error) Kind {
	switch {
	case o == Partial:
		return KindPartial
	case o == Unknown:
		return KindUnknown
	case isCertificateError(err):
		return KindConfig
	default:
		return KindNotSent
	}
}

func isDialError(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial" || isCertificateError(err)
}

func isCertificateError(err error) bool {
	var verification *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &unknown) ||
		errors.As(err, &host) || errors.As(err, &invalid)
}

// failureHint says what to do about a round trip that ended without an answer.
func failureHint(kind Kind, err error) string {
	var dns *net.DNSError
	switch {
	case kind == KindConfig:
		return "the server's certificate does not verify; check the URL, the machine's clock and its certificate store"
	case kind != KindNotSent:
		return kind.hint()
	case errors.Is(err, context.Canceled):
		return "nothing was sent"
	case errors.As(err, &dns):
		return "nothing was sent; check the host name and the network's DNS"
	default:
		return "nothing was sent; check that the host can be reached"
	}
}
