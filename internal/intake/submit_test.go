package intake

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

// keeper is a ledger that remembers what it was handed.
type keeper struct {
	calls [][]ledger.Submission
	fails error
}

func (k *keeper) Accept(_ context.Context, in []ledger.Submission) ([]ledger.Acceptance, error) {
	if k.fails != nil {
		return nil, k.fails
	}
	k.calls = append(k.calls, in)
	out := make([]ledger.Acceptance, len(in))
	for i, s := range in {
		out[i].Record = ledger.Record{ID: s.ID, Target: s.Target}
	}
	return out, nil
}

func (k *keeper) Preview(context.Context, iter.Seq[ledger.Submission], func(ledger.Acceptance)) error {
	return nil
}

func newKeeper(t Target) (*Intake, *keeper) {
	k := &keeper{}
	return New(Options{Store: k, Secret: []byte("of this ledger"), Targets: []Target{t}}), k
}

// What cannot be taken has its error in its place; the others are accepted in one call.
func TestSubmitItemByItem(t *testing.T) {
	in, k := newKeeper(Target{Target: ledger.Target{Name: "people"}, DedupeBy: []string{"email"}, Await: true})
	age, once := time.Hour, &ledger.Once{Key: ledger.Digest{1}}
	items := []Item{
		{Fields: []byte(`{"email":"A@b.example"}`), Metadata: []byte(`{"n":1}`), Priority: 7, MaxAge: &age, ResultTimeout: 2, SendBy: 3, Once: once},
		{Fields: []byte(`[]`)},
		{Fields: []byte(`{}`), Metadata: []byte(`[]`)},
		{Fields: []byte(`{}`), Metadata: []byte(`{"a":"` + strings.Repeat("x", MaxMetadataBytes) + `"}`)},
		{Fields: nil},
		{Fields: []byte(`{}`)},
	}
	got, err := in.Submit(t.Context(), "people", items)
	if err != nil || len(k.calls) != 1 || len(k.calls[0]) != 2 {
		t.Fatalf("%d calls (%v)", len(k.calls), err)
	}
	for i, a := range got {
		switch refused := i > 0 && i < 5; {
		case refused && (ledger.KindOf(a.Err) != ledger.Invalid || !a.Record.ID.IsZero()):
			t.Errorf("item %d is %+v, want it refused", i, a)
		case !refused && (a.Err != nil || a.Record.ID.IsZero()):
			t.Errorf("item %d is %+v, want it accepted", i, a)
		}
	}
	key, err := in.Key("people", " a@B.example")
	if err != nil {
		t.Fatal(err)
	}
	want := ledger.Submission{
		ID: got[0].Record.ID, Target: "people", Fields: items[0].Fields, Metadata: items[0].Metadata, Key: key, Await: true,
		Priority: 7, Once: &ledger.Once{Key: once.Key, Body: ledger.WorkKey(in.secret, once.Body[:])}, MaxAge: &age, ResultTimeout: 2, SendBy: 3,
	}
	if diff := cmp.Diff(want, k.calls[0][0]); diff != "" {
		t.Errorf("the first submission (-want +got):\n%s", diff)
	}
}

func TestSubmitNothing(t *testing.T) {
	in, k := newKeeper(Target{Target: ledger.Target{Name: "people"}})
	if got, err := in.Submit(t.Context(), "people", []Item{{Fields: []byte(`7`)}}); err != nil || got[0].Err == nil || len(k.calls) != 0 {
		t.Errorf("%+v (%v) with %d calls", got, err, len(k.calls))
	}
	if _, err := in.Submit(t.Context(), "nowhere", nil); ledger.KindOf(err) != ledger.NotFound {
		t.Errorf("an unknown target: %v", err)
	}
	k.fails = errors.New("the disk")
	if _, err := in.Submit(t.Context(), "people", []Item{{Fields: []byte(`{}`)}}); !errors.Is(err, k.fails) {
		t.Errorf("a ledger that fails: %v", err)
	}
}

// The key of a value is the key of the records that hold it.
func TestKey(t *testing.T) {
	tests := map[string]struct {
		by            []string
		fields, value string
		same          bool
	}{
		"one field":            {[]string{"email"}, `{"email":" Ada@Example.com "}`, "ada@example.com", true},
		"however it is spelt":  {[]string{"email"}, `{"email":"ada@example.com"}`, " ADA@example.com", true},
		"another value":        {[]string{"email"}, `{"email":"ada@example.com"}`, "alan@example.com", false},
		"two fields":           {[]string{"first", "last"}, `{"last":"Lovelace","first":"ADA"}`, `["ada","lovelace"]`, true},
		"two fields, one gone": {[]string{"first", "last"}, `{"last":"Lovelace"}`, `["", "LOVELACE"]`, true},
		"in another order":     {[]string{"first", "last"}, `{"last":"Lovelace","first":"Ada"}`, `["lovelace","ada"]`, false},
		"a number":             {[]string{"id"}, `{"id":7}`, "7", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := newIntake(tt.by...)
			key, err := in.Key("people", tt.value)
			if err != nil {
				t.Fatal(err)
			}
			if s := submit(t, in, tt.fields); (s.Key == key) != tt.same {
				t.Errorf("the same key: %v, want %v", s.Key == key, tt.same)
			}
		})
	}
	for value, in := range map[string]*Intake{"a": newIntake(), "a,b": newIntake("a", "b"), `["a"]`: newIntake("a", "b"), `[1,2]`: newIntake("a", "b")} {
		if _, err := in.Key("people", value); ledger.KindOf(err) != ledger.Invalid {
			t.Errorf("the value %s makes a key (%v)", value, err)
		}
	}
	if _, err := newIntake("a").Key("nowhere", "a"); ledger.KindOf(err) != ledger.NotFound {
		t.Errorf("an unknown target: %v", err)
	}
}
