package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// document is the OpenAPI document. It is written by hand; a test drives every operation through it.
//
//go:embed openapi.json
var document []byte

//go:embed docs.html
var docsPage string

// pages are the document for programs and for people.
type pages struct{ openapi, html []byte }

// documents fills in what is known only now. What it reads is part of the binary, and true or the tests fail.
func documents(version string) pages {
	quoted, _ := json.Marshal(version) // texts always encode
	text := bytes.Replace(document, []byte(`"VERSION"`), quoted, 1)
	var doc openAPI
	if err := json.Unmarshal(text, &doc); err != nil {
		panic("openapi.json: " + err.Error())
	}
	doc.Problems = problemKinds()
	var html bytes.Buffer
	page := template.Must(template.New("docs").Funcs(template.FuncMap{"upper": strings.ToUpper, "prose": prose}).Parse(docsPage))
	if err := page.Execute(&html, doc); err != nil {
		panic("docs.html: " + err.Error())
	}
	return pages{openapi: text, html: html.Bytes()}
}

// problemKinds returns the table of problems by status.
func problemKinds() []problemKind {
	var all []problemKind
	for kind, k := range kinds {
		all = append(all, problemKind{Kind: string(kind), Title: k.title, Hint: k.hint, Status: k.status})
	}
	slices.SortFunc(all, func(a, b problemKind) int {
		if a.Status != b.Status {
			return a.Status - b.Status
		}
		return strings.Compare(a.Kind, b.Kind)
	})
	return all
}

// prose turns the document's few marks into HTML: `code`, and an empty line between paragraphs.
func prose(text string) template.HTML {
	if text == "" {
		return ""
	}
	var out strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		out.WriteString("<p>")
		for i, part := range strings.Split(paragraph, "`") {
			part = template.HTMLEscapeString(part)
			if i%2 == 1 {
				part = "<code>" + part + "</code>"
			}
			out.WriteString(part)
		}
		out.WriteString("</p>")
	}
	return template.HTML(out.String())
}

// openapi answers GET /openapi.json.
func (s *server) openapi(c *call) error { return c.page("application/json", s.pages().openapi) }

// docs answers GET /docs: one page, complete in itself, so that it can be read where there is no network.
func (s *server) docs(c *call) error {
	c.w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	return c.page("text/html; charset=utf-8", s.pages().html)
}

func (c *call) page(kind string, text []byte) error {
	h := c.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("X-Content-Type-Options", "nosniff")
	c.w.WriteHeader(http.StatusOK)
	_, _ = c.w.Write(text) // the client left: nothing is to be done
	return nil
}
