package client_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/client"
)

// leads yields n rows, then an error if there is one.
func leads(n int, err error) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for i := range n {
			if !yield(map[string]string{"email": fmt.Sprintf("%d@example.com", i)}, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// handIn hands rows in and returns their IDs.
func handIn(t *testing.T, g *gateway, load string, rows iter.Seq2[any, error], o client.RowOptions) ([]string, error) {
	t.Helper()
	var ids []string
	for row, err := range g.LoadRows(t.Context(), load, rows, o) {
		if err != nil {
			return ids, err
		}
		if row.N != len(ids) {
			t.Fatalf("row %d is answered in the place of %d", row.N, len(ids))
		}
		ids = append(ids, row.ID)
	}
	return ids, nil
}

func openLoad(t *testing.T, g *gateway, l client.NewLoad) client.Load {
	t.Helper()
	load, err := g.OpenLoad(t.Context(), "people", l)
	if err != nil {
		t.Fatal(err)
	}
	return load
}

func TestLoadRows(t *testing.T) {
	g := open(t)
	load := openLoad(t, g, client.NewLoad{Name: "leads.csv"})
	first, err := handIn(t, g, load.ID, leads(1200, nil), client.RowOptions{})
	if err != nil || len(first) != 1200 {
		t.Fatalf("%d rows: %v", len(first), err)
	}
	again, err := handIn(t, g, load.ID, leads(1200, nil), client.RowOptions{Retry: []string{"failed"}, ResultTimeout: time.Hour})
	if diff := cmp.Diff(first, again); diff != "" || err != nil {
		t.Errorf("handed in again they are others (%v):\n%s", err, diff)
	}
	records, err := g.ReadRecords(t.Context(), []string{first[7], first[3]})
	if err != nil || len(records) != 2 || records[0].ID != first[7] || records[1].Outcome != "pending" || records[1].Sends != 0 {
		t.Errorf("%+v, %v", records, err)
	}
	if load, err = g.HoldLoad(t.Context(), load.ID); err != nil || load.Counts[client.Canceled] != 1200 || load.Open() != 0 {
		t.Errorf("held back it is %+v, %v", load, err)
	}
	if fresh := openLoad(t, g, client.NewLoad{Name: "leads.csv", Fresh: true}); fresh.ID == load.ID {
		t.Error("a fresh load is the former one")
	}
}

func TestLoadRowsTellsOfEach(t *testing.T) {
	g := open(t)
	load := openLoad(t, g, client.NewLoad{Name: "leads.csv"})
	rows := func(yield func(any, error) bool) {
		_ = yield(map[string]int{"n": 1}, nil) && yield([]int{1}, nil) && yield(map[string]int{"n": 1}, nil)
	}
	zero := time.Duration(0)
	options := client.RowOptions{DedupeBy: []string{}, NoResults: true, MaxAge: &zero, DryRun: true, Fresh: true}
	for _, want := range [][]string{{"send", "refused", "send"}, {"queued", "refused", "queued"}} {
		var got []string
		for row, err := range g.LoadRows(t.Context(), load.ID, rows, options) {
			switch {
			case err != nil:
				t.Fatal(err)
			case row.Err != nil:
				got = append(got, "refused")
			default:
				got = append(got, row.Would+string(row.State))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		options.DryRun, options.Fresh = false, false
	}
}

// The failure it prevents: an input that cannot be read to its end looks like one that lost its last rows, which are then
// given up.
func TestLoadRowsBreaksOff(t *testing.T) {
	g := open(t)
	load := openLoad(t, g, client.NewLoad{Name: "leads.csv"})
	if _, err := handIn(t, g, load.ID, leads(3, nil), client.RowOptions{}); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("a bad sector")
	if _, err := handIn(t, g, load.ID, leads(1, broken), client.RowOptions{}); !errors.Is(err, broken) {
		t.Errorf("it fails with %v", err)
	}
	if load, err := g.Load(t.Context(), load.ID); err != nil || load.Counts[client.Queued] != 3 {
		t.Errorf("it stands as %+v, %v", load, err)
	}
}

func TestLoadRowsFails(t *testing.T) {
	g := open(t)
	load := openLoad(t, g, client.NewLoad{Name: "leads.csv"})
	g.before = func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Query().Get("retry") {
		case "failed": // answers half of them
			w.Header().Set("Content-Type", "application/x-ndjson")
			fmt.Fprintln(w, `{"line":1,"id":"rec_00000000000000000000000001","state":"queued","cached":false,"known":false,"sends":0}`)
			return true
		case "expired":
			panic(http.ErrAbortHandler)
		}
		return false
	}
	for _, retry := range []string{"failed", "expired"} {
		_, err := handIn(t, g, load.ID, leads(1000, nil), client.RowOptions{Retry: []string{retry}})
		if _, ok := errors.AsType[*client.Unreachable](err); !ok || !client.Passing(err) {
			t.Errorf("%s: %v, want one that may pass", retry, err)
		}
	}
	_, err := handIn(t, g, "load_00000000000000000000000001", leads(1000, nil), client.RowOptions{})
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Status != http.StatusNotFound {
		t.Errorf("a load that is not there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range g.LoadRows(ctx, load.ID, leads(1, nil), client.RowOptions{}) {
		if err == nil {
			t.Error("a canceled context hands rows in")
		}
	}
}

// Who leaves the answers early leaves nothing behind.
func TestLoadRowsLeftEarly(t *testing.T) {
	g := open(t)
	load := openLoad(t, g, client.NewLoad{Name: "leads.csv"})
	for range g.LoadRows(t.Context(), load.ID, leads(2000, nil), client.RowOptions{}) {
		break
	}
}

// The failure it prevents: a command waits for ever for a gateway that is not there.
func TestPatienceEnds(t *testing.T) {
	for name, patience := range map[string]time.Duration{"none": -1, "little": time.Millisecond} {
		c, err := client.New(client.Config{BaseURL: "http://127.0.0.1:1", Patience: patience})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Targets(t.Context()); !client.Passing(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
