package claytest

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PublicAPIPath is the base of the Public API.
const PublicAPIPath = "/public/v0"

// PublicAPI configures the endpoints under [PublicAPIPath]. The zero value takes
// any key, and has every routine and table; see the fields. What Clay documents of
// it is in docs/clay.md, "The Public API".
type PublicAPI struct {
	// Key is asked for in clay-api-key. Default: any that is not empty.
	Key string
	// Routines, when set, are the only ones that exist. Default: every id that
	// begins with function: or workflow:.
	Routines []string
	// PerSecond and Burst are the rate limit, which Clay does not publish. Default
	// 10 and 20; a negative PerSecond: no limit.
	PerSecond float64
	Burst     int
	// HideLimits leaves the X-RateLimit headers out of a 429.
	HideLimits bool
	// MaxBody is the largest request body taken, in bytes; more is 400, or 413 where
	// Clay documents that. Clay's own limit is not known. Default 1 MiB.
	MaxBody int

	// Delay is what a run takes. Default 1 to 5 s; a negative Max: no time.
	Delay Delay
	// Failures is the share of items that end as failed, 0 to 1, by hash of their
	// inputs. Default 0.
	Failures float64
	// Retention is how long after its end a run can be asked for. Default 24 h.
	Retention time.Duration
	// Credits is the balance at the start, Cost what an item takes off it. Items for
	// which nothing is left fail. Default 10,000 and 1; negative Credits: no end.
	Credits float64
	Cost    float64
	// Webhooks are those that completions can be sent to.
	Webhooks []CompletionWebhook

	// MaxUpload is the largest file taken, in bytes. Default 256 MiB.
	MaxUpload int
	// LinkLife is how long the link to a bulk run's results works. Default 15 min.
	LinkLife time.Duration

	// Found is how many records every search finds. Default 137.
	Found int
	// SearchQuota is how many of them may be fetched in all. Default 1,000,000.
	SearchQuota int
	// TableRows is how many rows every table has. Default 230.
	TableRows int
	// Repeats makes each page of a table query but the first begin with the last row
	// of the one before it, updated meanwhile.
	Repeats bool
}

func (p PublicAPI) withDefaults() PublicAPI {
	or(&p.PerSecond, 10)
	or(&p.MaxBody, 1<<20)
	or(&p.MaxUpload, 256<<20)
	or(&p.Delay, Delay{Min: time.Second, Max: 5 * time.Second})
	or(&p.Retention, 24*time.Hour)
	or(&p.Credits, 10_000)
	or(&p.Cost, 1)
	or(&p.LinkLife, 15*time.Minute)
	or(&p.Found, 137)
	or(&p.SearchQuota, 1_000_000)
	or(&p.TableRows, 230)
	if p.Burst < 1 {
		p.Burst = 20
	}
	return p
}

func or[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// publicRoutes adds the endpoints.
func (s *Server) publicRoutes(mux *http.ServeMux) {
	of := map[string]endpoint{
		"GET /me":                      s.me,
		"GET /credits/balance":         s.balance,
		"POST /routines/{routine}/run": s.startRun,
		"POST /routines/{routine}/run-batch/upload-url": s.uploadURL,
		"POST /routines/{routine}/run-batch/start":      s.startBatch,
		"GET /routines/run-batch/{run}/results":         s.batchResults,
		"POST /tables/query":                            s.queryTables,
		"POST /search/filters-mode":                     s.createFilters,
		"GET /search/filters-mode/fields":               s.searchFields,
		"POST /search/filters-mode/{search}/run":        s.runFilters,
		"POST /search/query-mode":                       s.createQuery,
		"GET /search/query-mode/reference":              s.queryReference,
		"POST /search/query-mode/{search}/run":          s.runQuery,
		"GET /routines/run/{run}/results":               s.runResults,
	}
	for _, pattern := range slices.Sorted(maps.Keys(of)) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+PublicAPIPath+path, s.serveUpTo(s.opt.PublicAPI.MaxBody, s.public(contracts[pattern], of[pattern])))
	}
	mux.HandleFunc(PublicAPIPath+"/", s.serve(func(*arrival) answer { return apiError(http.StatusNotFound, "Not found") }))
}

// apiError is the body of every failure of the Public API.
func apiError(status int, message string) answer {
	return answer{status: status, body: encode(failure{message})}
}

// failure is a message, alone or inside something.
type failure struct {
	Message string `json:"message"`
}

// offContract begins the message of an answer that should never be seen.
const offContract = "the emulator is off its contract: "

// public surrounds an operation with what all have in common, and holds request
// and answer against their contract.
func (s *Server) public(c contract, e endpoint) endpoint {
	return func(a *arrival) answer {
		ans, passed := s.admit(a, c)
		if passed {
			ans = e(a)
		}
		if why := c.broken(ans); why != "" {
			ans = apiError(http.StatusInternalServerError, offContract+why)
		}
		if ans.header == nil {
			ans.header = http.Header{}
		}
		ans.header.Set("request-id", fmt.Sprintf("req_%016x", hash(s.opt.Seed, "request", a.number)))
		return ans
	}
}

// admit answers what an operation never sees.
func (s *Server) admit(a *arrival, c contract) (refused answer, ok bool) {
	if key := a.http.Header.Get("Clay-Api-Key"); key == "" || !sameKey(key, s.opt.PublicAPI.Key) {
		return apiError(http.StatusUnauthorized, "Authentication required"), false
	}
	if !s.api.limiter.take(a.now) {
		return s.tooManyCalls(a.now), false
	}
	if a.long {
		status := http.StatusBadRequest
		if _, known := c.answers[http.StatusRequestEntityTooLarge]; known {
			status = http.StatusRequestEntityTooLarge
		}
		return apiError(status, "Request body is too large"), false
	}
	if c.request == nil {
		return answer{}, true
	}
	if kind, _, err := mime.ParseMediaType(a.http.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return apiError(http.StatusBadRequest, "Content-Type must be application/json"), false
	}
	if why := c.request.check(a.body); why != "" {
		return apiError(http.StatusBadRequest, "Invalid request: "+why), false
	}
	return answer{}, true
}

func sameKey(sent, key string) bool {
	return key == "" || subtle.ConstantTimeCompare([]byte(sent), []byte(key)) == 1
}

// broken says how an answer breaks the contract, or "".
func (c contract) broken(ans answer) string {
	of, known := c.answers[ans.status]
	if !known {
		return fmt.Sprintf("the status %d is not known here", ans.status)
	}
	return of.check([]byte(ans.body))
}

// tooManyCalls is the 429. Clay always sends Retry-After, and X-RateLimit "when
// available"; that the reset is in seconds from now is this package's choice.
func (s *Server) tooManyCalls(now time.Time) answer {
	ans := apiError(http.StatusTooManyRequests, "Too many requests")
	wait := s.api.limiter.wait(now)
	seconds := strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second)))
	ans.header = http.Header{"Retry-After": {seconds}}
	if !s.opt.PublicAPI.HideLimits {
		ans.header.Set("X-RateLimit-Limit", strconv.Itoa(s.opt.PublicAPI.Burst))
		ans.header.Set("X-RateLimit-Remaining", "0")
		ans.header.Set("X-RateLimit-Reset", seconds)
	}
	return ans
}

// input reads a request whose contract it has passed.
func input[T any](a *arrival) (v T) {
	_ = json.Unmarshal(a.body, &v)
	return v
}
