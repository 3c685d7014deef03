package collect

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// refused is an answer other than 200. Its message shows in the cell of the Clay column, so it speaks to the person
// who reads the table.
type refused struct {
	status     int
	message    string
	retryAfter int // seconds, 0 for none
}

// busy has Clay come again, and the person who reads the cell run it again.
var busy = &refused{http.StatusTooManyRequests, "the ledger is busy: run this cell again", 1}

func (f *refused) write(w http.ResponseWriter) {
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	answer(w, f.status, map[string]any{"ok": false, "error": f.message})
}

// taken is the answer to a callback that is on disk.
var taken = []byte(`{"ok":true}` + "\n")

func accept(w http.ResponseWriter) {
	w.Header()["Content-Type"] = []string{"application/json"}
	_, _ = w.Write(taken) // the client left; the ledger has the callback all the same
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client left: nothing is to be done
}
