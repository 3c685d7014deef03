package doctor

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWorstFirst(t *testing.T) {
	got := Sorted([]Finding{{Check: "a", State: OK}, {Check: "b", State: Skipped}, {Check: "c", State: Warning}, {Check: "d", State: Broken}, {Check: "e", State: Broken}})
	var order []string
	for _, f := range got {
		order = append(order, f.Check)
	}
	if diff := cmp.Diff([]string{"d", "e", "c", "a", "b"}, order); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if Count(got, Broken) != 2 {
		t.Errorf("%d are broken, want 2", Count(got, Broken))
	}
}

func TestClock(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 500e6, time.UTC)
	tests := map[string]struct {
		date, age string
		want      State
		says      string
	}{
		"right":            {now.Format(http.TimeFormat), "", OK, "right"},
		"asked long ago":   {now.Add(-time.Second).Format(http.TimeFormat), "", OK, "right"},
		"a little ahead":   {now.Add(-6 * time.Second).Format(http.TimeFormat), "", OK, "ahead"},
		"half a minute":    {now.Add(30 * time.Second).Format(http.TimeFormat), "", Warning, "30s behind"},
		"an hour":          {now.Add(-time.Hour).Format(http.TimeFormat), "", Broken, "ahead"},
		"no date":          {"", "", Skipped, ""},
		"out of a cache":   {now.Add(-time.Hour).Format(http.TimeFormat), "3600", Skipped, ""},
		"no date at all":   {"yesterday", "", Skipped, ""},
		"the older format": {now.Add(-time.Hour).Format(time.ANSIC), "", Broken, "ahead"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			header := http.Header{"Date": {tt.date}}
			if tt.age != "" {
				header.Set("Age", tt.age)
			}
			got := Clock(Answer{Asked: now.Add(-200 * time.Millisecond), Came: now, Header: header})
			if got.State != tt.want || !strings.Contains(got.Says, tt.says) {
				t.Errorf("got %+v, want %s with %q", got, tt.want, tt.says)
			}
		})
	}
}

func TestVolume(t *testing.T) {
	const much = 100 << 30
	tests := map[string]struct {
		volume Volume
		want   []State
	}{
		"well":            {Volume{Free: much, Sync: time.Millisecond}, []State{OK}},
		"full":            {Volume{Free: 1 << 20, Sync: time.Millisecond}, []State{Broken}},
		"nearly full":     {Volume{Free: 500 << 20, Sync: time.Millisecond}, []State{Warning}},
		"slow":            {Volume{Free: much, Sync: 50 * time.Millisecond}, []State{Warning}},
		"too fast":        {Volume{Free: much, Sync: time.Microsecond}, []State{OK, Warning}},
		"in memory":       {Volume{Free: much, Sync: time.Microsecond, Kind: "tmpfs"}, []State{OK, Warning}},
		"on another host": {Volume{Free: much, Sync: time.Millisecond, Kind: "nfs", Remote: true}, []State{OK, Warning}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []State
			for _, f := range tt.volume.Findings() {
				got = append(got, f.State)
				if (f.State == Broken || f.State == Warning) == (f.Do == "") {
					t.Errorf("%+v: whoever reads it does not know what to do", f)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDisk(t *testing.T) {
	folder := t.TempDir()
	v, err := Measure(folder)
	if err != nil || v.Free == 0 || v.Sync == 0 {
		t.Errorf("measured %+v, %v", v, err)
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
	if got := Disk(filepath.Join(folder, "none")); len(got) != 1 || got[0].State != Broken {
		t.Errorf("a folder that is not there: %+v", got)
	}
}

func TestPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("permission bits say nothing here")
		return
	}
	folder := t.TempDir()
	closed, open := filepath.Join(folder, "closed"), filepath.Join(folder, "open")
	for path, mode := range map[string]os.FileMode{closed: 0o600, open: 0o640} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if got := Private(Broken, closed, filepath.Join(folder, "none")); len(got) != 1 || got[0].State != OK {
		t.Errorf("closed files: %+v", got)
	}
	if got := Private(Broken, closed, open); len(got) != 1 || got[0].State != Broken || got[0].Do != "chmod 600 "+open {
		t.Errorf("an open file: %+v", got)
	}
	if got := Private(Broken, filepath.Join(folder, "none")); got != nil {
		t.Errorf("no file: %+v", got)
	}
}

const header = "X-Test-Instance"

func TestPublicURL(t *testing.T) {
	answer := func(status int, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/healthz" {
				status = http.StatusTeapot
			}
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			if status == http.StatusOK {
				_, _ = w.Write([]byte(`{"status":"ok"}`))
			}
		}
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		name    string
		want    State
		says    string
	}{
		"ours":            {answer(204, header, "me"), "me", OK, "leads to"},
		"ours, perhaps":   {answer(204, header, "me"), "", Warning, "whether it is this one"},
		"another's":       {answer(204, header, "you"), "me", Broken, "another claygate"},
		"the API":         {answer(200), "me", Broken, "the API"},
		"the API refuses": {answer(403, "Content-Type", "application/problem+json"), "me", Broken, "the API"},
		"a login":         {answer(401), "me", Broken, "login"},
		"a redirect":      {answer(302, "Location", "https://elsewhere.example"), "me", Broken, "redirects (302)"},
		"an empty tunnel": {answer(502), "me", Broken, "reaches nothing"},
		"something else":  {answer(404), "me", Broken, "something else"},
		"an empty 204":    {answer(204), "me", Broken, "something else"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			got := Way{URL: server.URL, Listen: "127.0.0.1:8788", Header: header, Name: tt.name, Local: true}.PublicURL(t.Context())
			if got.State != tt.want || !strings.Contains(got.Says, tt.says) || (got.State != OK) == (got.Do == "") {
				t.Errorf("got %+v, want %s with %q", got, tt.want, tt.says)
			}
		})
	}
}

func TestPublicURLThatClayCannotReach(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	secure := httptest.NewUnstartedServer(nil)
	secure.Config.ErrorLog = nil
	secure.StartTLS()
	defer secure.Close()
	tests := map[string]struct {
		url, says string
		local     bool
	}{
		"this machine":   {"http://localhost:8788", "Clay cannot reach it", false},
		"by address":     {"http://127.0.0.1:8788", "Clay cannot reach it", false},
		"this network":   {"https://192.168.1.7", "Clay cannot reach it", false},
		"Clay's own":     {"https://api.clay.com/v3/sources", "Clay's address", false},
		"with callbacks": {"https://hooks.example.com/callbacks/default", "adds by itself", false},
		"nothing":        {gone.URL, "nothing listens there", true},
		"no certificate": {secure.URL, "certificate", true},
		"no URL":         {"hooks", "not a URL", false},
		"no TLS":         {strings.Replace(secure.URL, "https", "http", 1), "something else answers there (400)", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Way{URL: tt.url, Listen: "127.0.0.1:8788", Header: header, Name: "me", Local: tt.local}.PublicURL(t.Context())
			if got.State != Broken || !strings.Contains(got.Says, tt.says) || got.Do == "" {
				t.Errorf("got %+v, want it broken with %q", got, tt.says)
			}
		})
	}
}

func TestUnreached(t *testing.T) {
	for want, err := range map[string]error{
		"there is no such name as hooks.example": &net.DNSError{Name: "hooks.example", IsNotFound: true},
		"the name hooks.example cannot be":       &net.DNSError{Name: "hooks.example"},
		"does not answer in time":                context.DeadlineExceeded,
		"broke off":                              io.ErrUnexpectedEOF,
	} {
		if got := Unreached(&url.Error{Op: "Get", URL: "https://s3cret.example", Err: err}); !strings.Contains(got, want) || strings.Contains(got, "s3cret") {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
