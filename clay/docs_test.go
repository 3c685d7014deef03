package clay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
)

// The functions below are the code of docs/from-the-reference.md, so that it compiles
// and runs.

type leadRow struct {
	Email   string `json:"email"`
	Company string `json:"company,omitempty"`
}

type crmRow struct {
	Email string `json:"email"`
	Score int    `json:"score"`
}

func docClient() (*clay.Client, error) {
	client, err := clay.New(clay.Config{
		WebhookURL:    os.Getenv("CLAY_WEBHOOK_URL"),
		WebhookToken:  os.Getenv("CLAY_WEBHOOK_TOKEN"),
		EnterpriseKey: os.Getenv("CLAY_API_KEY"), // only for lookups
		Retries:       3,                         // 0 is the default, too: 3
		Timeout:       30 * time.Second,
	})
	return client, err
}

func docSend(ctx context.Context, client *clay.Client) error {
	receipt, err := client.Send(ctx, leadRow{Email: "ada@example.com"})
	var e *clay.Error
	if errors.As(err, &e) {
		fmt.Println(e.Status, e.Kind, e.Hint, "may be in Clay:", e.MayDuplicate())
		return err
	}
	fmt.Println(receipt.Status, receipt.MayDuplicate)
	return nil
}

func docBatch(ctx context.Context, client *clay.Client, leads []leadRow) error {
	result, err := client.SendBatch(ctx, clay.Records(slices.Values(leads)), clay.BatchOptions{
		Progress: func(p clay.BatchProgress) { fmt.Printf("\r%d sent, %d failed", p.Sent, p.Failed) },
	})
	for _, failed := range result.Errors {
		fmt.Println(failed.Index, failed.Record, failed.Err)
	}
	return err // not nil when it made no sense to go on, e.g. after a 401
}

func docLookups(ctx context.Context, client *clay.Client) error {
	person, err := client.EnrichPerson(ctx, "ada@example.com")
	if errors.Is(err, clay.KindNotFound) {
		return nil // Clay knows nobody
	}
	if err != nil {
		return err
	}
	company, err := client.EnrichCompany(ctx, "example.com")
	fmt.Println(person.Title, company.EmployeeCount, company.Extra["founded"])
	return err
}

func docWebhookError(err error) error {
	var failure *clay.WebhookError // catch (err) { if (err instanceof ClayWebhookError) … }
	if errors.As(err, &failure) && failure.Status == http.StatusUnauthorized {
		return fmt.Errorf("rotate the token: %w", err)
	}
	return err
}

func docGather(ctx context.Context, client *clay.Client, leads []leadRow) {
	var wg sync.WaitGroup
	for _, lead := range leads { // asyncio.gather(*(client.send_to_table(l) for l in leads))
		wg.Go(func() {
			if _, err := client.Send(ctx, lead); err != nil {
				slog.ErrorContext(ctx, "not sent", "error", err) // never shows the webhook's URL
			}
		})
	}
	wg.Wait()
}

func docDefault(ctx context.Context) error {
	client, err := clay.Default()
	if err != nil {
		return err
	}
	_, err = client.Send(ctx, leadRow{Email: "ada@example.com"})
	return err
}

func docPatterns(url string, count func(clay.Kind, int, time.Duration)) (*clay.Client, error) {
	client, err := clay.New(clay.Config{
		WebhookURL: url,
		Retries:    5,                   // Retry with backoff
		Pacer:      clay.NewPacer(5, 1), // Batch with delay: half of Clay's limit, no bursts
		Timeout:    10 * time.Second,    // Timeout control, for each try
		MaxElapsed: time.Minute,         // and for all of them
		Observer: clay.Observer{
			Attempt: func(_ context.Context, a clay.Attempt) { count(a.Kind, a.Status, a.Took) },
		},
	})
	return client, err
}

func docGuard(ctx context.Context, client *clay.Client) error {
	if _, err := client.EnrichPerson(ctx, "ada@example.com"); errors.Is(err, clay.KindConfig) {
		return fmt.Errorf("lookups are off: %w", err) // Enterprise API guard: nothing was sent
	}
	return nil
}

func docCallback(mux *http.ServeMux, save func(context.Context, []byte) error, processEnrichedData func(context.Context, clay.Callback)) (*clay.CallbackHandler, error) {
	h, err := clay.NewCallbackHandler(clay.CallbackConfig{
		Secrets: []string{os.Getenv("CALLBACK_SECRET")},
		Store:   func(ctx context.Context, cb clay.Callback) error { return save(ctx, cb.Body) },
		After:   func(ctx context.Context, cb clay.Callback) { processEnrichedData(ctx, cb) },
	})
	if err != nil {
		return nil, err
	}
	mux.Handle("POST /api/clay/callback", h)
	return h, nil
}

func docTable(client *clay.Client, update func(ctx context.Context, email string, score int) error) (http.Handler, error) {
	table := clay.NewTable[leadRow, crmRow](client)
	h, err := table.CallbackHandler(
		clay.CallbackConfig{Secrets: []string{os.Getenv("CALLBACK_SECRET")}},
		func(ctx context.Context, row crmRow) error { return update(ctx, row.Email, row.Score) },
	)
	return h, err
}

// Every function above does what the page says of it, against the emulator.
func TestDocumentedCodeRuns(t *testing.T) {
	s := claytest.New(t, claytest.Options{Misses: -1, PerSecond: -1, Token: token, Enterprise: claytest.Enterprise{Key: key}})
	for name, value := range map[string]string{
		"CLAY_WEBHOOK_URL": s.WebhookURL("leads"), "CLAY_WEBHOOK_TOKEN": token, "CLAY_API_KEY": key, "CLAY_ENTERPRISE_API_KEY": "", "CALLBACK_SECRET": secret,
	} {
		t.Setenv(name, value)
	}
	clay.ForgetDefault()
	t.Cleanup(clay.ForgetDefault)
	client, err := docClient()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	leads := []leadRow{{Email: "ada@example.com"}, {Email: "bob@example.com"}}
	docGather(t.Context(), client, leads)
	if err := errors.Join(docSend(t.Context(), client), docBatch(t.Context(), client, leads), docDefault(t.Context())); err != nil || len(s.Rows()) != 6 {
		t.Errorf("%d rows, %v", len(s.Rows()), err)
	}
	shared, err := clay.Default()
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()

	looking, err := clay.New(clay.Config{EnterpriseKey: key, BaseURL: s.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer looking.Close()
	if err := docLookups(t.Context(), looking); err != nil {
		t.Error(err)
	}
	docPatternsRun(t, s)
}

// docPatternsRun is the part about the four patterns: without the token every try is a 401.
func docPatternsRun(t *testing.T, s *claytest.Server) {
	var counted []int
	client, err := docPatterns(s.WebhookURL("leads"), func(_ clay.Kind, status int, _ time.Duration) { counted = append(counted, status) })
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	before := requests(s)
	_, err = client.Send(t.Context(), leadRow{Email: "ada@example.com"})
	if err = docWebhookError(err); err == nil || !strings.HasPrefix(err.Error(), "rotate the token: ") || !slices.Equal(counted, []int{401}) {
		t.Errorf("%v, tries %v", err, counted)
	}
	if err := docGuard(t.Context(), client); !errors.Is(err, clay.KindConfig) || requests(s) != before+1 {
		t.Errorf("%d requests: %v", requests(s)-before, err)
	}
}

func TestDocumentedHandlersRun(t *testing.T) {
	t.Setenv("CALLBACK_SECRET", secret)
	var saved, updated string
	processed := make(chan string, 1)
	mux := http.NewServeMux()
	h, err := docCallback(mux, func(_ context.Context, body []byte) error { saved = string(body); return nil },
		func(_ context.Context, cb clay.Callback) { processed <- string(cb.Body) })
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"email":"ada@example.com","score":"42"}`
	r := httptest.NewRequest("POST", "/api/clay/callback", strings.NewReader(body))
	r.Header.Set("X-Callback-Secret", secret)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if w.Code != 200 || w.Body.String() != `{"ok":true}` || saved != body || <-processed != body {
		t.Errorf("%d %s, saved %q", w.Code, w.Body, saved)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	table, err := docTable(nil, func(_ context.Context, email string, score int) error {
		updated = fmt.Sprint(email, score)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if w := call(table, body); w.Code != 200 || updated != "ada@example.com42" {
		t.Errorf("%d %s, updated %q", w.Code, w.Body, updated)
	}
}

// Every Go block of the page stands, line for line, in this file, and each test that it
// names exists.
func TestDocumentedCodeIsThis(t *testing.T) {
	page, err := os.ReadFile("../docs/from-the-reference.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("docs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 11 {
		t.Errorf("%d Go blocks", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(flat(string(source)), flat(b[1])) {
			t.Errorf("not in docs_test.go:\n%s", b[1])
		}
	}
	tests := ""
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tests += string(text)
	}
	names := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(page), -1)
	if len(names) < 20 {
		t.Errorf("the page names %d tests", len(names))
	}
	for _, name := range names {
		if !strings.Contains(tests, "\nfunc "+name[1]+"(") {
			t.Errorf("the page names %s, which does not exist", name[1])
		}
	}
}

// flat is code without what indentation and alignment change.
func flat(code string) string { return strings.Join(strings.Fields(code), " ") }
