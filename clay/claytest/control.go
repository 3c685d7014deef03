package claytest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// ControlPath is where the control API is; Clay has nothing there. It lets other
// processes see what arrived and change how the server behaves:
//
//	GET  state                  the counters ([Stats]); with ?rows=N, ?requests=N,
//	                            ?callbacks=N and ?idle=true once they are that far,
//	                            or 408 after ?wait=30s (the default)
//	GET  rows, requests, callbacks, runs
//	                            what is kept; ?after=N leaves out numbers up to N,
//	                            ?webhook=NAME other webhooks
//	POST reset                  forget it all ([Server.Reset])
//	POST faults                 a JSON array of [Fault]
//	POST column                 a JSON object, a [Column]
//	POST run                    run the column: ?rows=missing (the default) or all
//
// Its requests are neither recorded nor limited, and browsers are refused when
// they come from another site.
const ControlPath = "/_emulator/"

const defaultWait = 30 * time.Second

// control routes the control API.
func (s *Server) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+ControlPath+"state", s.controlState)
	mux.HandleFunc("GET "+ControlPath+"rows", func(w http.ResponseWriter, r *http.Request) {
		controlList(w, r, s.Rows(), func(x Row) (int, string) { return x.Number, x.Webhook })
	})
	mux.HandleFunc("GET "+ControlPath+"requests", func(w http.ResponseWriter, r *http.Request) {
		controlList(w, r, s.Requests(), func(x Request) (int, string) { return x.Number, x.Webhook })
	})
	mux.HandleFunc("GET "+ControlPath+"callbacks", func(w http.ResponseWriter, r *http.Request) {
		controlList(w, r, s.Callbacks(), func(x Callback) (int, string) { return x.Number, x.Webhook })
	})
	mux.HandleFunc("GET "+ControlPath+"runs", func(w http.ResponseWriter, r *http.Request) {
		controlList(w, r, s.RoutineRuns(), func(x RoutineRun) (int, string) { return x.Number, x.Webhook })
	})
	mux.HandleFunc("POST "+ControlPath+"reset", func(w http.ResponseWriter, _ *http.Request) {
		controlDone(w, s.Reset())
	})
	mux.HandleFunc("POST "+ControlPath+"faults", func(w http.ResponseWriter, r *http.Request) {
		controlSet(w, r, func(list []Fault) error { return s.SetFaults(list...) })
	})
	mux.HandleFunc("POST "+ControlPath+"column", func(w http.ResponseWriter, r *http.Request) {
		controlSet(w, r, s.SetColumn)
	})
	mux.HandleFunc("POST "+ControlPath+"run", s.controlRun)
	return http.NewCrossOriginProtection().Handler(mux)
}

// controlState waits for what the query asks for and shows the counters.
func (s *Server) controlState(w http.ResponseWriter, r *http.Request) {
	q := query{Values: r.URL.Query()}
	wait := q.duration("wait", defaultWait)
	rows, requests, callbacks := q.number("rows"), q.number("requests"), q.number("callbacks")
	idle := q.Get("idle") == "true"
	if q.err != nil {
		controlDone(w, q.err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	err := s.book.wait(ctx, r.URL.RawQuery, func(st Stats) bool {
		return st.Rows >= rows && st.Requests >= requests && st.Callbacks >= callbacks && (!idle || st.Waiting == 0)
	})
	if err != nil {
		controlWrite(w, http.StatusRequestTimeout, map[string]string{"error": err.Error()})
		return
	}
	controlWrite(w, http.StatusOK, s.Stats())
}

// controlRun runs the column again.
func (s *Server) controlRun(w http.ResponseWriter, r *http.Request) {
	switch which := r.URL.Query().Get("rows"); which {
	case "", "missing":
		controlWrite(w, http.StatusOK, map[string]int{"rows": s.RunMissing()})
	case "all":
		controlWrite(w, http.StatusOK, map[string]int{"rows": s.RunAll()})
	default:
		controlDone(w, fmt.Errorf("rows=%s: use missing or all", which))
	}
}

// controlList shows a list, as far as the query asks for it.
func controlList[T any](w http.ResponseWriter, r *http.Request, list []T, of func(T) (number int, webhook string)) {
	q := query{Values: r.URL.Query()}
	after := q.number("after")
	if q.err != nil {
		controlDone(w, q.err)
		return
	}
	list = slices.DeleteFunc(list, func(x T) bool {
		number, webhook := of(x)
		return number <= after || q.Has("webhook") && webhook != q.Get("webhook")
	})
	controlWrite(w, http.StatusOK, list)
}

// controlSet reads a JSON value, strictly, and puts it in force.
func controlSet[T any](w http.ResponseWriter, r *http.Request, put func(T) error) {
	var value T
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		err = strict(body, &value)
	}
	if err == nil {
		err = put(value)
	}
	controlDone(w, err)
}

// controlDone answers {} or, with 400, the error.
func controlDone(w http.ResponseWriter, err error) {
	if err != nil {
		controlWrite(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	controlWrite(w, http.StatusOK, struct{}{})
}

func controlWrite(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client may be gone; nothing is owed to it
}

// query reads parameters and keeps the first error.
type query struct {
	url.Values
	err error
}

func (q *query) number(name string) int {
	if !q.Has(name) {
		return 0
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil && q.err == nil {
		q.err = fmt.Errorf("%s=%q is no whole number", name, q.Get(name))
	}
	return n
}

func (q *query) duration(name string, most time.Duration) time.Duration {
	if !q.Has(name) {
		return most
	}
	d, err := time.ParseDuration(q.Get(name))
	if err != nil && q.err == nil {
		q.err = fmt.Errorf("%s=%q is no duration: write it like 300ms or 10s", name, q.Get(name))
	}
	return d
}
