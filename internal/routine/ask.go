package routine

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/claygate/claygate/clay"
)

// Source is a workspace to ask about.
type Source struct {
	BaseURL   string // of Clay, without a slash at its end
	Key       string // of the Public API
	Workspace string // as [clay.Client.Me] names it
}

const (
	pageSize = 100 // the most that Clay's command line asks for
	maxPages = 50
	maxBody  = 8 << 20
	patience = 20 * time.Second
)

// List returns the workspace's routines that the API may run. Errors are *[clay.Error]s.
func (s Source) List(ctx context.Context) ([]Routine, error) {
	var all []Routine
	query := url.Values{"integration": {"api"}, "limit": {strconv.Itoa(pageSize)}}
	for range maxPages {
		var page struct {
			Data   []wire
			Cursor string
		}
		if err := s.get(ctx, "", query, &page); err != nil {
			return nil, err
		}
		for _, w := range page.Data {
			all = append(all, w.routine())
		}
		if page.Cursor == "" || page.Cursor == query.Get("cursor") {
			break
		}
		query.Set("cursor", page.Cursor)
	}
	return all, nil
}

// Find returns one routine. The error is of [clay.KindNotFound] when there is none, or when Clay has this no more.
func (s Source) Find(ctx context.Context, id string) (Routine, error) {
	var w wire
	if err := s.get(ctx, "/"+url.PathEscape(id), nil, &w); err != nil {
		return Routine{}, err
	}
	if w.ID == "" {
		return Routine{}, &clay.Error{Kind: clay.KindBadAnswer, Op: op, Outcome: clay.Answered, Err: errors.New("the answer describes no routine")}
	}
	return w.routine(), nil
}

const op = "look at routines"

// get asks once. Redirects are not followed: the key would go along.
func (s Source) get(ctx context.Context, path string, query url.Values, out any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	address := s.BaseURL + "/v3/workspaces/" + url.PathEscape(s.Workspace) + "/tools" + path + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(address, "?"), nil)
	if err != nil {
		return &clay.Error{Kind: clay.KindConfig, Op: op, Err: errors.New("the base URL of Clay is not a URL")}
	}
	request.Header.Set("Clay-Api-Key", s.Key)
	request.Header.Set("Accept", "application/json")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return &clay.Error{Kind: clay.KindNotSent, Op: op, Err: bare(err)}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	switch {
	case response.StatusCode != http.StatusOK:
		return &clay.Error{Kind: kind(response.StatusCode), Op: op, Status: response.StatusCode, Outcome: clay.Answered, Body: said(body)}
	case err != nil:
		return &clay.Error{Kind: clay.KindUnavailable, Op: op, Outcome: clay.Answered, Err: errors.New("the answer broke off")}
	case json.Unmarshal(body, out) != nil:
		return &clay.Error{Kind: clay.KindBadAnswer, Op: op, Outcome: clay.Answered, Err: errors.New("the answer is not understood")}
	}
	return nil
}

// bare leaves out the URL.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// said is what an error's body says to people.
func said(body []byte) string {
	var e struct{ Message string }
	_ = json.Unmarshal(body, &e)
	return strings.Join(strings.Fields(e.Message), " ")
}

func kind(status int) clay.Kind {
	switch {
	case status == http.StatusUnauthorized:
		return clay.KindUnauthorized
	case status == http.StatusForbidden:
		return clay.KindForbidden
	case status == http.StatusPaymentRequired:
		return clay.KindPaymentRequired
	case status == http.StatusNotFound, status == http.StatusGone:
		return clay.KindNotFound
	case status == http.StatusTooManyRequests:
		return clay.KindThrottled
	case status < 400:
		return clay.KindRedirect
	case status < 500:
		return clay.KindInvalid
	}
	return clay.KindUnavailable
}
