package clay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"
	"unicode"
)

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

func TestRecordsRefusedBeforeTheyAreSent(t *testing.T) {
	sized := func(n int) json.RawMessage { return json.RawMessage(`{"a":"` + strings.Repeat("x", n-8) + `"}`) }
	for name, tc := range map[string]struct {
		record any
		says   string
	}{
		"array":       {[]row{{"a": 1}}, "array"},
		"raw array":   {json.RawMessage(` [1]`), "array"},
		"string":      {"x", "RawMessage"},
		"bytes":       {[]byte(`{"a":1}`), "RawMessage"},
		"nil":         {nil, "struct"},
		"number":      {1, "struct"},
		"NaN":         {row{"a": math.NaN()}, "NaN"},
		"channel":     {row{"a": make(chan int)}, "chan"},
		"broken raw":  {json.RawMessage(`{"a":`), "not valid"},
		"empty raw":   {json.RawMessage(nil), "not valid"},
		"one too big": {sized(MaxRecordBytes + 1), "100001"},
	} {
		body, err := encodeRecord("send", tc.record)
		e := failure(t, err)
		if e.Kind != KindInvalid || e.Outcome != NotSent || e.MayDuplicate() || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %q, %v", name, body, err)
		}
	}
	html := row{"a": strings.Repeat("<&>", MaxRecordBytes/3-10)} // six times as long when escaped
	for name, record := range map[string]any{"just fits": sized(MaxRecordBytes), "struct": struct{ A int }{1}, "empty": row{}, "HTML": html} {
		if _, err := encodeRecord("send", record); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewRefusesBadSettings(t *testing.T) {
	const secret = "5ecre7"
	for name, cfg := range map[string]Config{
		"no URL":            {},
		"no scheme":         {WebhookURL: "api.clay.com/v3/sources/webhook/" + secret},
		"other scheme":      {WebhookURL: "ftp://api.clay.com/" + secret},
		"no host":           {WebhookURL: "https:///" + secret},
		"control character": {WebhookURL: "https://api.clay.com/" + secret + "\x7f"},
		"line break":        {WebhookURL: "https://api.clay.com/" + secret + "\n"},
		"bad escape":        {WebhookURL: "https://api.clay.com/%zz" + secret},
		"not encrypted":     {WebhookURL: "http://api.clay.com/" + secret},
		"final dot":         {WebhookURL: "http://api.clay.com./" + secret},
		"no path":           {WebhookURL: "https://api.clay.com"},
		"no webhook":        {WebhookURL: "https://api.clay.com/v3/sources/webhook/"},
		"a page":            {WebhookURL: "https://app.clay.com/workspaces/" + secret},
		"user":              {WebhookURL: "https://" + secret + "@api.clay.com/"},
		"port 99999":        {WebhookURL: "https://api.clay.com:99999/" + secret},
		"port 0":            {WebhookURL: "https://api.clay.com:0/" + secret},
		"base":              {EnterpriseKey: secret, BaseURL: "api.clay.com"},
		"token":             {WebhookURL: testURL, WebhookToken: secret + "\n"},
		"curly quotes":      {WebhookURL: testURL, WebhookToken: "“" + secret + "”"},
		"key":               {EnterpriseKey: secret + " "},
		"two transports":    {WebhookURL: testURL, HTTPClient: http.DefaultClient, Transport: http.DefaultTransport},
		"concurrency":       {WebhookURL: testURL, Concurrency: -1},
		"timeout":           {WebhookURL: testURL, Timeout: -1},
		"max elapsed":       {WebhookURL: testURL, MaxElapsed: -1},
	} {
		c, err := New(cfg)
		if c != nil || !errors.Is(err, KindConfig) || strings.Contains(err.Error(), secret) || failure(t, err).Hint == "" {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

func TestParseRetryAfter(t *testing.T) {
	const date = "Sun, 06 Nov 1994 08:49:37 GMT"
	for name, tc := range map[string]struct {
		values []string
		want   time.Duration
		ok     bool
	}{
		"none":         {nil, 0, false},
		"seconds":      {[]string{"120"}, 2 * time.Minute, true},
		"spaces":       {[]string{" 3 "}, 3 * time.Second, true},
		"zero":         {[]string{"0"}, 0, true},
		"IMF date":     {[]string{"Sun, 06 Nov 1994 08:50:37 GMT"}, time.Minute, true},
		"RFC 850 date": {[]string{"Sunday, 06-Nov-94 08:50:37 GMT"}, time.Minute, true},
		"asctime date": {[]string{"Sun Nov  6 08:50:37 1994"}, time.Minute, true},
		"past date":    {[]string{"Sun, 06 Nov 1994 08:48:37 GMT"}, 0, false},
		"largest":      {[]string{"1", "junk", "9", "Sun, 06 Nov 1994 08:49:40 GMT"}, 9 * time.Second, true},
		"negative":     {[]string{"-1"}, 0, false},
		"signed":       {[]string{"+1"}, 0, false},
		"fraction":     {[]string{"1.5"}, 0, false},
		"junk":         {[]string{"soon"}, 0, false},
		"empty":        {[]string{""}, 0, false},
		"huge":         {[]string{"9223372036854775807"}, 24 * time.Hour, true},
		"overflow":     {[]string{"9223372036854775808"}, 0, false},
		"far date":     {[]string{"Fri, 31 Dec 9999 23:59:59 GMT"}, 24 * time.Hour, true},
	} {
		got, ok := ParseRetryAfter(http.Header{"Date": {date}, "Retry-After": tc.values})
		if got != tc.want || ok != tc.ok {
			t.Errorf("%s: %s, %t, want %s, %t", name, got, ok, tc.want, tc.ok)
		}
	}
	soon := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	if d, ok := ParseRetryAfter(http.Header{"Retry-After": {soon}}); !ok || d < 59*time.Minute || d > time.Hour {
		t.Errorf("without Date: %s, %t", d, ok)
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, v := range []string{"1", "-1", "1.5", "99999999999999999999", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", ""} {
		f.Add(v, "3", "Sun, 06 Nov 1994 08:49:37 GMT")
	}
	f.Fuzz(func(t *testing.T, a, b, date string) {
		h := http.Header{"Retry-After": {a, b}, "Date": {date}}
		d, ok := ParseRetryAfter(h)
		if d < 0 || d > 24*time.Hour || !ok && d != 0 {
			t.Fatalf("%s, %t", d, ok)
		}
		alone, _ := ParseRetryAfter(http.Header{"Retry-After": {a}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}})
		if date == "Sun, 06 Nov 1994 08:49:37 GMT" && alone > d {
			t.Fatalf("%q alone asks for %s, with %q for %s", a, alone, b, d)
		}
	})
}

// Whatever an error's body holds, the error keeps little of it, on one line, without
// anything invisible and without the secret; the status alone says what it means, but for
// the two texts that Clay is known for.
func FuzzErrorBody(f *testing.F) {
	f.Add(400, []byte("<html>\n\x1b[31m\u202e\xff"))
	f.Add(403, []byte(`{"message":"Record limit reached for webhook"}`))
	f.Add(404, []byte(`{"success":false,"message":"deprecated API endpoint"}`))
	f.Add(500, []byte(testURL+" \t "+testToken))
	f.Add(503, []byte(strings.Repeat("é ", 700)))
	f.Add(429, []byte(strings.Repeat("x", 2<<10)))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		c, err := New(Config{WebhookURL: testURL, WebhookToken: testToken, Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(body))}, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.SendOnce(t.Context(), row{"a": 1})
		if status/100 == 2 {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		e, want := failure(t, err), wantKind(status)
		switch {
		case status == 403 && bytes.Contains(body, []byte("Record limit reached")):
			want = KindExhausted
		case want == KindNotFound && bytes.Contains(body, []byte("deprecated API endpoint")):
			want = KindDeprecated
		}
		if e.Kind != want || e.Outcome != Answered || e.Status != status {
			t.Fatalf("%d %q: %s", status, body, e.Kind)
		}
		invisible := func(r rune) bool { return !unicode.IsPrint(r) }
		if len(e.Body) > 1<<10 || strings.ContainsFunc(err.Error(), invisible) || strings.Contains(err.Error(), testToken) || strings.Contains(err.Error(), testPath) {
			t.Fatalf("%d bytes: %q", len(e.Body), err)
		}
	})
}

// Whatever the other side echoes or a transport says, the URL's path and the token
// do not come out.
func TestSecretsStayHidden(t *testing.T) {
	echo := roundTripper(func(r *http.Request) (*http.Response, error) {
		// The whole URL, its path written otherwise, its last part alone, its query alone.
		text := r.URL.String() + ` ` + strings.ReplaceAll(r.URL.Path, "/", `\/`) + " " + path.Base(r.URL.Path) + " " + r.URL.RawQuery + " " + r.Header.Get("x-clay-webhook-auth")
		return &http.Response{StatusCode: 400, Body: io.NopCloser(strings.NewReader(text))}, nil
	})
	fail := roundTripper(func(r *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: fmt.Errorf("cannot post to %s: %w", r.URL, io.ErrUnexpectedEOF)}
	})
	for name, rt := range map[string]http.RoundTripper{"echo": echo, "fail": fail} {
		c, err := New(Config{WebhookURL: testURL + "?key=5ecre7-query", WebhookToken: testToken, Transport: rt})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.SendOnce(t.Context(), row{"a": 1})
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(fmt.Sprintf("%+v", e), "5ecre7") {
				t.Errorf("%s: %T: %+v", name, e, e)
			}
		}
		if name == "fail" && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the cause is lost: %v", err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNames(t *testing.T) {
	for o := NotSent; o <= Answered; o++ {
		if s := o.String(); s == "" || s == "invalid" {
			t.Errorf("outcome %d: %q", o, s)
		}
	}
	for k := KindNotSent; k <= KindBadAnswer; k++ {
		if s := k.String(); s == "" || s == "invalid_kind" || k.Error() != s {
			t.Errorf("kind %d: %q", k, s)
		}
	}
	if Kind(0).String() != "invalid_kind" || Outcome(9).String() != "invalid" {
		t.Error("values outside the lists have names")
	}
}
