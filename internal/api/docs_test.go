package api_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// word is a word of a shell command, in quotes or not.
var word = regexp.MustCompile(`'([^']*)'|(\S+)`)

// TestDocs runs every command of docs/api.md, in order, and holds its answer to the status beneath it.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, setup{dedupeBy: []string{"email"}, stop: ended()})
	id, commands := "", 0
	lines := strings.Split(strings.ReplaceAll(string(text), "\\\n", ""), "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "curl ") {
			continue
		}
		commands++
		method, path, body := "GET", "", ""
		var headers []string
		words := word.FindAllStringSubmatch(strings.ReplaceAll(line, "rec_…", id), -1)
		for n := 1; n < len(words); n++ {
			switch text := words[n][1] + words[n][2]; text {
			case "-H":
				n++
				headers = append(headers, words[n][1])
			case "-d":
				n++
				method, body = "POST", words[n][1]
			case "-N":
			default:
				path = strings.TrimPrefix(text, "http://localhost:8787")
			}
		}
		got := g.do(method, path, body, headers...)
		if want, err := strconv.Atoi(strings.TrimPrefix(lines[i+1], "# ")); err != nil || got.status != want {
			t.Errorf("%s is answered %d, and beneath it is %q: %s", line, got.status, lines[i+1], got.body)
		}
		if id == "" {
			id = decode[record](t, got).ID
		}
	}
	if commands < 8 {
		t.Errorf("%d commands were found", commands)
	}
	if got := g.do("GET", "/docs", ""); strings.Contains(got.body, "://") && regexp.MustCompile(`(src|href)="?https?://`).MatchString(got.body) {
		t.Error("the page loads something from the network")
	}
}

// TestDocsPage: every operation, object and kind of problem has its place, and the links within the page lead somewhere.
func TestDocsPage(t *testing.T) {
	page := newGateway(t, setup{}).do("GET", "/docs", "").body
	for path, methods := range document()["paths"].(object) {
		for _, op := range methods.(object) {
			if id := op.(object)["operationId"].(string); !strings.Contains(page, `id="`+id+`"`) {
				t.Errorf("%s of %s is not on the page", id, path)
			}
		}
	}
	for _, link := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+link[1]+`"`) {
			t.Errorf("the link to #%s leads nowhere", link[1])
		}
	}
	for _, kind := range []string{"invalid", "unauthorized", "not_found", "full", "idempotency_key_reused"} {
		if !strings.Contains(page, `id="`+kind+`"`) {
			t.Errorf("the problem %s is not on the page", kind)
		}
	}
	if strings.Contains(page, "{{") || strings.Contains(page, "ZgotmplZ") || !strings.Contains(page, "1.2.3") {
		t.Error("the page was not filled in")
	}
}
