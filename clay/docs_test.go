package clay_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/clay"
)

// The functions below are the code of docs/from-the-reference.md, so that it compiles.

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

func docDefault(ctx context.Context) error {
	client, err := clay.Default()
	if err != nil {
		return err
	}
	_, err = client.Send(ctx, leadRow{Email: "ada@example.com"})
	return err
}

func docCallback(db *sql.DB) (http.Handler, error) {
	h, err := clay.NewCallbackHandler(clay.CallbackConfig{
		Secrets: []string{os.Getenv("CALLBACK_SECRET")},
		Store: func(ctx context.Context, cb clay.Callback) error {
			_, err := db.ExecContext(ctx, "INSERT INTO callbacks (body) VALUES (?)", string(cb.Body))
			return err
		},
		After: func(ctx context.Context, cb clay.Callback) { slog.InfoContext(ctx, "stored", "bytes", len(cb.Body)) },
	})
	return h, err
}

func docTable(client *clay.Client) (http.Handler, error) {
	table := clay.NewTable[leadRow, crmRow](client)
	h, err := table.CallbackHandler(
		clay.CallbackConfig{Secrets: []string{os.Getenv("CALLBACK_SECRET")}},
		func(ctx context.Context, row crmRow) error { return update(ctx, row.Email, row.Score) },
	)
	return h, err
}

func update(context.Context, string, int) error { return nil }

// Every Go block of the page stands, line for line, in this file.
func TestDocumentedCodeCompiles(t *testing.T) {
	_, _, _, _, _, _, _ = docClient, docSend, docBatch, docLookups, docDefault, docCallback, docTable
	page, err := os.ReadFile("../docs/from-the-reference.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("docs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 7 {
		t.Errorf("%d Go blocks", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(flat(string(source)), flat(b[1])) {
			t.Errorf("not in docs_test.go:\n%s", b[1])
		}
	}
	for _, name := range regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(page), -1) {
		found := false
		for _, file := range []string{"reference_test.go", "handler_test.go", "send_test.go", "once_test.go", "lookup_test.go"} {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(text), "func "+name[1]+"(")
		}
		if !found {
			t.Errorf("the page names %s, which does not exist", name[1])
		}
	}
}

// flat is code without what indentation and alignment change.
func flat(code string) string { return strings.Join(strings.Fields(code), " ") }
