package clay

import (
	"errors"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxExcerpt is how much of an answer's body an Error keeps, in bytes.
const maxExcerpt = 1 << 10

// excerpt returns the beginning of a body as one line that is safe in a log:
// without control or other invisible characters, runs of white space folded.
func excerpt(body []byte) string {
	// A little more than the limit, because folding can only make it shorter.
	body = body[:min(len(body), 4*maxExcerpt)]
	var b strings.Builder
	space := false
	for _, r := range string(body) {
		if r == utf8.RuneError || !unicode.IsPrint(r) || r == ' ' {
			space = true
			continue
		}
		if space && b.Len() > 0 {
			r0 := utf8.RuneLen(r)
			if b.Len()+1+r0 > maxExcerpt {
				break
			}
			b.WriteByte(' ')
		}
		space = false
		if b.Len()+utf8.RuneLen(r) > maxExcerpt {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// secrets are strings that must never be seen in an error: tokens, keys, the
// webhook URL's path. Short ones are left out, they would tear holes into texts.
type secrets []string

func newSecrets(u *url.URL, more ...string) secrets {
	var s secrets
	if u != nil {
		more = append(more, u.EscapedPath(), u.Path, lastSegment(u.Path), u.RawQuery)
	}
	for _, v := range more {
		if len(v) >= 8 {
			s = append(s, v)
		}
	}
	return s
}

func lastSegment(path string) string {
	path = strings.TrimRight(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// hide replaces every secret in s.
func (s secrets) hide(text string) string {
	for _, v := range s {
		text = strings.ReplaceAll(text, v, "[secret]")
	}
	return text
}

// clean strips the URL that net/http puts around its errors, and hides secrets
// in what is left.
func (s secrets) clean(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	if err == nil {
		return nil
	}
	if text := err.Error(); s.hide(text) != text {
		return &hiddenError{text: s.hide(text), err: err}
	}
	return err
}

// hiddenError keeps what errors.Is needs and shows none of the original's text.
type hiddenError struct {
	text string
	err  error
}

func (e *hiddenError) Error() string        { return e.text }
func (e *hiddenError) Is(target error) bool { return errors.Is(e.err, target) }
