package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the file: sixty workspaces with ten tables each take a tenth of it.
const maxFile = 1 << 20

// document parses the file into its tree. Anything that would make the tree mean something else than what a person
// reads is refused here or in the decoder: other encodings, tabs, several documents, anchors, tags.
func document(file string, text []byte) (*yaml.Node, *Problem) {
	if problem := readable(text); problem != nil {
		problem.File = file
		return nil, problem
	}
	nodes, err := parse(text)
	if err != nil {
		line, message := syntax(err.Error())
		line = min(line, bytes.Count(bytes.TrimRight(text, "\n"), []byte("\n"))+1)
		return nil, &Problem{File: file, Line: line, Message: message}
	}
	switch {
	case len(nodes) == 0 || len(nodes[0].Content) == 0 || nodes[0].Content[0].ShortTag() == "!!null":
		return nil, &Problem{File: file, Message: "is empty", Hint: "`claygate config example` shows what it can hold"}
	case len(nodes) > 1:
		return nil, &Problem{File: file, Line: nodes[1].Line, Message: "a second document begins (---)", Hint: "put everything into one"}
	}
	return nodes[0].Content[0], nil
}

// readable refuses what is no text in UTF-8, and tabs at the beginning of a line, which YAML does not take.
func readable(text []byte) *Problem {
	switch {
	case len(text) > maxFile:
		return &Problem{Message: fmt.Sprintf("is larger than %d KiB", maxFile>>10), Hint: "is it the right file?"}
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return &Problem{Line: 1, Message: "is UTF-16", Hint: "save it as UTF-8"}
	}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
		switch {
		case !utf8.Valid(line):
			return &Problem{Line: number, Message: "is not UTF-8 text", Hint: "save it as UTF-8"}
		case bytes.IndexFunc(line, control) >= 0:
			return &Problem{Line: number, Message: "has a control character", Hint: "is it the right file?"}
		case bytes.ContainsRune(indent, '\t') && len(bytes.TrimSpace(line)) > 0:
			return &Problem{Line: number, Message: "is indented with a tab", Hint: "YAML takes spaces only"}
		}
	}
	return nil
}

func control(r rune) bool { return (r < ' ' && r != '\t' && r != '\n' && r != '\r') || r == 0x7f }

// parse returns the documents of the text, at most two. The parser is foreign code that reads foreign bytes: should it
// panic, that is an error like any other.
func parse(text []byte) (nodes []*yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("yaml: the file is not understood")
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for len(nodes) < 2 {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return nodes, nil
		}
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, &node)
	}
	return nodes, nil
}

// syntaxForm takes the parser's message apart. It has no other way to tell a line.
var syntaxForm = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)

// syntax returns the line of a syntax error, about which the parser may be off by one, and its message, without the parts of the
// file that some messages quote, because these may be a secret.
func syntax(text string) (line int, message string) {
	line, message = 1, "is not valid YAML"
	parts := syntaxForm.FindStringSubmatch(text)
	if parts == nil {
		return line, message
	}
	if n, err := strconv.Atoi(parts[1]); err == nil {
		line = n
	}
	if strings.ContainsAny(parts[2], "'\"`#") {
		return line, message + " here or just above"
	}
	return line, message + " here or just above: " + parts[2]
}
