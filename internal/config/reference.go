package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"unicode/utf8"
)

// maxSecret bounds a secret's file: what is larger is another file.
const maxSecret = 64 << 10

var (
	variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	shellForm    = regexp.MustCompile(`^\$\{?([A-Z_][A-Z0-9_]{0,127})\}?$`)
)

// secret reads what env:NAME or file:PATH refers to. When Clay is emulated nothing is read: nothing is used.
func (d *decoder) secret(path, reference string) Secret {
	kind, name, _ := strings.Cut(reference, ":")
	kind, name = strings.TrimSpace(kind), strings.TrimSpace(name)
	switch {
	case kind == "env" && !variableForm.MatchString(name):
		d.refuse(path, "env: is not followed by the name of a variable", "write it like env:CLAY_WEBHOOK_URL")
	case kind == "env":
		return d.fromEnvironment(path, name)
	case kind == "file" && (name == "" || strings.HasPrefix(name, "~")):
		d.refuse(path, "file: is not followed by a path", "write it out, like file:/run/secrets/clay-webhook-url")
	case kind == "file":
		return d.fromFile(path, name)
	case shellForm.MatchString(reference):
		d.refuse(path, "variables are not expanded", "write env:"+shellForm.FindStringSubmatch(reference)[1])
	default:
		d.refuse(path, "is a secret and must not stand in this file (it is not shown here)",
			"put it into an environment variable and write env:NAME, or into a file of its own and write file:PATH")
	}
	return Secret{}
}

// spaced reads a secret that may have spaces in it, as the value of a header has: "Bearer …".
func (d *decoder) spaced(path, reference string) Secret {
	d.spaces = true
	defer func() { d.spaces = false }()
	return d.secret(path, reference)
}

// private reads a text that may be written out.
func (d *decoder) private(path, text string) Private {
	if strings.HasPrefix(text, "env:") || strings.HasPrefix(text, "file:") {
		return Private{d.spaced(path, text)}
	}
	if strings.TrimSpace(text) == "" || strings.ContainsFunc(text, control) {
		d.refuse(path, "is empty or has a control character", "")
	}
	return Private{NewSecret(text, "the configuration")}
}

func (d *decoder) fromEnvironment(path, name string) Secret {
	s := Secret{reference: "env:" + name}
	if d.source.Emulate {
		return s
	}
	s.value = d.source.Getenv(name)
	if s.value == "" {
		d.refuse(path, "the environment variable "+name+" is not set", "set it where claygate is started")
		return s
	}
	return d.usable(path, s)
}

func (d *decoder) fromFile(path, name string) Secret {
	s := Secret{reference: "file:" + name}
	if d.source.Emulate {
		return s
	}
	name = d.beside(name)
	text, err := d.source.ReadFile(name)
	switch {
	case err != nil:
		d.refuse(path, fmt.Sprintf("the file %s cannot be read: %s", name, because(err)),
			"a relative path is seen from the folder of the file that names it")
		return s
	case len(text) > maxSecret:
		d.refuse(path, fmt.Sprintf("the file %s is larger than %d KiB", name, maxSecret>>10), "it must hold the secret alone")
		return s
	}
	s.value = string(bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))))
	if s.value == "" {
		d.refuse(path, "the file "+name+" is empty", "it must hold the secret alone")
		return s
	}
	d.guarded(path, name)
	return d.usable(path, s)
}

// usable refuses what cannot be sent as a header or URL, which is mostly a secret with a line break in it.
func (d *decoder) usable(path string, s Secret) Secret {
	if !utf8.ValidString(s.value) || strings.ContainsFunc(s.value, func(r rune) bool { return r < ' ' || r == ' ' && !d.spaces || r == 0x7f }) {
		hint := "it must hold the secret alone, on one line and without quotes"
		if strings.HasPrefix(strings.ToLower(s.value), "bearer ") {
			hint = "leave out the word Bearer: Clay takes keys and tokens alone"
		}
		d.refuse(path, s.reference+" holds white space, a control character or no UTF-8", hint)
	}
	return s
}

// guarded warns of a secret that every user of the machine can read.
func (d *decoder) guarded(path, name string) {
	if d.source.Stat == nil || runtime.GOOS == "windows" { // whose permission bits say nothing
		return
	}
	if info, err := d.source.Stat(name); err == nil && info.Mode().Perm()&0o004 != 0 {
		d.warn(path, fmt.Sprintf("the file %s can be read by every user of this machine", name), "chmod 600 "+name)
	}
}

// beside returns a path as it is seen from the folder of the file that is being read.
func (d *decoder) beside(name string) string {
	if filepath.IsAbs(name) || d.file == "" {
		return name
	}
	return filepath.Join(filepath.Dir(d.file), name)
}

// because says why a file cannot be read, without what the error repeats.
func because(err error) string {
	switch pathError := (*fs.PathError)(nil); {
	case errors.Is(err, fs.ErrNotExist):
		return "there is none"
	case errors.Is(err, fs.ErrPermission):
		return "no permission"
	case errors.As(err, &pathError):
		return pathError.Err.Error()
	}
	return "reading it failed"
}
