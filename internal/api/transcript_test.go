package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

var update = flag.Bool("update", false, "write the golden files anew")

// ended returns a context that has ended.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestTranscripts holds whole conversations to their files. A file has comments (#), requests (>) with their body after
// an empty line, what happens at Clay meanwhile (!), and answers (<). IDs and keys stand as {1}, {2}, … in the order of
// their coming; time stands still at the beginning of 2000.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) {
				guarded := strings.HasPrefix(string(text), "# guarded")
				c := &conversation{gateway: newGateway(t, setup{guarded: guarded, dedupeBy: []string{"email"}, stop: ended()})}
				for part := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n\n") {
					c.play(part)
				}
				got = c.out.String()
			})
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// conversation plays a transcript and writes it anew.
type conversation struct {
	*gateway
	names []string // the IDs and keys that have come
	out   strings.Builder
}

// play plays one exchange: everything but its answer is kept, and the answer is the gateway's.
func (c *conversation) play(part string) {
	var request []string
	if c.out.Len() > 0 {
		c.out.WriteString("\n\n")
	}
	for line := range strings.SplitSeq(part, "\n") {
		switch {
		case strings.HasPrefix(line, "<"):
			continue
		case strings.HasPrefix(line, ">"):
			request = append(request, c.real(strings.TrimPrefix(strings.TrimPrefix(line, ">"), " ")))
		case strings.HasPrefix(line, "!"):
			c.happen(strings.Fields(c.real(line))[1:])
		}
		c.out.WriteString(line + "\n")
	}
	if len(request) == 0 {
		return
	}
	method, path, _ := strings.Cut(request[0], " ")
	var headers []string
	body := ""
	for i, line := range request[1:] {
		if line == "" {
			body = strings.Join(request[i+2:], "\n")
			break
		}
		headers = append(headers, line)
	}
	c.write(c.do(method, path, body, headers...))
}

// write writes an answer into the transcript.
func (c *conversation) write(got reply) {
	fmt.Fprintf(&c.out, "< %d\n", got.status)
	for _, name := range []string{"Content-Type", "Location", "Retry-After", "Allow", "WWW-Authenticate", "Idempotent-Replayed", "Preference-Applied", "Cache-Control", "Claygate-Record", "Claygate-Cached"} {
		if value := got.header.Get(name); value != "" {
			fmt.Fprintf(&c.out, "< %s: %s\n", name, c.named(value))
		}
	}
	body := got.body
	var pretty bytes.Buffer
	if !strings.Contains(strings.TrimSpace(body), "\n") && json.Indent(&pretty, []byte(body), "", "  ") == nil {
		body = pretty.String()
	}
	for line := range strings.SplitSeq(strings.TrimSpace(body), "\n") {
		if line = strings.TrimSpace("< " + c.named(line)); line != "<" || body != "" {
			c.out.WriteString(line + "\n")
		}
	}
}

// happen lets something happen to a record: "done ID RESULT", "rejected ID", "doubtful ID".
func (c *conversation) happen(what []string) {
	id, err := ledger.ParseRecordID(what[1])
	if err != nil {
		c.t.Fatal(err)
	}
	switch what[0] {
	case "done":
		c.finish(id, strings.Join(what[2:], " "))
	case "rejected":
		c.apply(id, ledger.Claim{}, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Rejected, Status: 400, Reason: "Clay refuses the row"})
	case "doubtful":
		c.apply(id, ledger.Claim{}, ledger.Answer{Attempt: 1, Outcome: ledger.Unknown, Verdict: ledger.Doubtful, Reason: "Clay did not answer"})
	default:
		c.t.Fatalf("nothing is known of %q", what)
	}
}

// names in the gateway's words: record IDs, keys and their IDs, cursors.
var nameLike = regexp.MustCompile(`rec_[0-9a-v]{26}|key_[0-9a-f]{16}|cg_[0-9a-f]{48}|cg_[0-9a-f]{32}|webhook-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|AQ[A-Za-z0-9_-]{21}`)

// named puts the place of each name in its place.
func (c *conversation) named(text string) string {
	return nameLike.ReplaceAllStringFunc(text, func(name string) string {
		for i, known := range c.names {
			if known == name {
				return fmt.Sprintf("{%d}", i+1)
			}
		}
		c.names = append(c.names, name)
		return fmt.Sprintf("{%d}", len(c.names))
	})
}

// real puts the names back.
func (c *conversation) real(text string) string {
	for i, name := range c.names {
		text = strings.ReplaceAll(text, fmt.Sprintf("{%d}", i+1), name)
	}
	return text
}
