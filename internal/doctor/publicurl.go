package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// patience is how long one question may take.
const patience = 10 * time.Second

// Ask asks for a URL once. Redirects are not followed.
func Ask(ctx context.Context, url string) (res *http.Response, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if res, err = client.Do(req); err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, 64<<10))
	return res, body, err
}

// Unreached says why nothing answered, without the URL that was asked.
func Unreached(err error) string {
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		if e.IsNotFound {
			return "there is no such name as " + e.Name
		}
		return "the name " + e.Name + " cannot be looked up"
	}
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok || errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid) {
		return "its certificate is not valid"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS"
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "it does not answer in time"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return "nothing listens there"
	}
	return "it broke off"
}

// Way is the way that Clay's callbacks take.
type Way struct {
	URL    string // the public one
	Listen string // where callbacks are taken, which it has to lead to
	Header string // in which the callbacks' listener names itself
	Name   string // the name of ours; "" when it is not known
	Local  bool   // Clay is emulated on this machine, so that the URL may be of this machine as well
}

// PublicURL follows the way that callbacks take, from the public URL to the listener.
func (w Way) PublicURL(ctx context.Context) Finding {
	f := Finding{Check: "public url", State: Broken}
	if f.Says, f.Do = w.misplaced(); f.Says != "" {
		return f
	}
	res, body, err := Ask(ctx, w.URL+"/healthz")
	if err != nil {
		f.Says = w.URL + " cannot be reached from here: " + Unreached(err)
		f.Do = "start the tunnel or proxy, and lead it to " + w.Listen + ": from outside, `curl -i " + w.URL + "/healthz` must answer 204"
		return f
	}
	if f.Says, f.Do = w.wrong(res, body); f.Says != "" {
		f.Says = w.URL + ": " + f.Says
		return f
	}
	f.State, f.Says, f.Do = OK, w.URL+" leads to the callbacks' listener", ""
	if w.Name == "" {
		f.State, f.Says = Warning, w.URL+" leads to the callbacks' listener of a claygate, and whether it is this one cannot be seen from here"
		f.Do = "run doctor with the configuration and the ledger of the gateway that is to take the callbacks"
	}
	return f
}

// misplaced says what is wrong with the URL as such.
func (w Way) misplaced() (says, do string) {
	u, err := url.Parse(w.URL)
	if err != nil || u.Hostname() == "" {
		return "it is not a URL", "write it like https://hooks.example.com"
	}
	address, err := netip.ParseAddr(u.Hostname())
	local := strings.EqualFold(u.Hostname(), "localhost") || err == nil && !(address.IsGlobalUnicast() && !address.IsPrivate())
	switch {
	case strings.Contains(u.Path+"/", "/callbacks/"):
		return w.URL + " has /callbacks/ in it, which claygate adds by itself", "leave out the path from /callbacks on"
	case strings.EqualFold(u.Hostname(), "clay.com") || strings.HasSuffix(strings.ToLower(u.Hostname()), ".clay.com"):
		return w.URL + " is Clay's address, and this is to be the one under which Clay reaches this machine", "give the https URL of a tunnel or proxy that leads to " + w.Listen
	case local && !w.Local:
		return w.URL + " is an address of this machine or network: Clay cannot reach it", "give the https URL of a tunnel or proxy that leads to " + w.Listen
	}
	return "", ""
}

// wrong says what is wrong with an answer, "" when it is the one that the callbacks' listener gives.
func (w Way) wrong(res *http.Response, body []byte) (says, do string) {
	name := res.Header.Get(w.Header)
	lead := "lead the tunnel or proxy to " + w.Listen
	switch {
	case res.StatusCode == http.StatusNoContent && name != "" && (w.Name == "" || name == w.Name):
		return "", ""
	case res.StatusCode == http.StatusNoContent && name != "":
		return "it leads to the callbacks of another claygate", lead
	case strings.Contains(res.Header.Get("Content-Type"), "problem+json"), res.StatusCode == http.StatusOK && strings.Contains(string(body), `"status":"ok"`):
		return "it leads to the API, which nobody outside should reach, and not to the callbacks", lead + " (callback_listen), not to listen"
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return fmt.Sprintf("it redirects (%d), and Clay's column is not known to follow", res.StatusCode), "give the URL that it leads to, or have the proxy pass requests on"
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return fmt.Sprintf("something in front of it asks for a login (%d)", res.StatusCode), "let requests to /callbacks/ and /healthz through without one: claygate checks each callback's ticket"
	case res.StatusCode == http.StatusBadGateway, res.StatusCode == http.StatusServiceUnavailable, res.StatusCode == http.StatusGatewayTimeout:
		return fmt.Sprintf("the tunnel or proxy is there, and reaches nothing (%d)", res.StatusCode), lead + ", and let it pass through firewalls"
	}
	return fmt.Sprintf("something else answers there (%d)", res.StatusCode), lead + ", with nothing cut from the path"
}
