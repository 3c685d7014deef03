package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/claygate/claygate/client"
)

// An export that breaks off, is refused or cannot be written is an error, and what was written is as it came.
func TestExport(t *testing.T) {
	const line = `{"id":"rec_1","fields":{"email":"a@example.com"}}` + "\n"
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("workspace") {
		case "acme":
			_, _ = io.WriteString(w, line+line)
		case "half":
			_, _ = io.WriteString(w, line)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"status":404,"detail":"there is no workspace"}`)
		}
	}))
	defer gateway.Close()
	c, err := client.New(client.Config{BaseURL: gateway.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	export := func(workspace string) (string, error) {
		var to strings.Builder
		err := c.Export(t.Context(), client.Export{Workspace: workspace}, &to)
		return to.String(), err
	}
	if got, err := export("acme"); err != nil || got != line+line {
		t.Errorf("exported %q, %v", got, err)
	}
	got, err := export("half")
	if _, broke := errors.AsType[*client.Unreachable](err); !broke || got != line {
		t.Errorf("what broke off is %q, %v", got, err)
	}
	if got, err := export("amce"); err == nil || got != "" {
		t.Errorf("of none there is %q, %v", got, err)
	}
	if err := c.Export(t.Context(), client.Export{Workspace: "acme"}, full{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("what cannot be written: %v", err)
	}
}

// full takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
