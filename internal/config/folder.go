package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Folder is the folder beside the configuration whose files are workspaces, each under its file's name.
const Folder = "workspaces.d"

// ending is how the names of these files end.
const ending = ".yaml"

// The keys of the parts that come from several places.
const (
	workspaces = "workspaces"
	defaults   = "defaults"
)

// folder reads the workspaces that have a file of their own.
func (d *decoder) folder(c *Config) {
	if d.source.ReadDir == nil {
		return
	}
	folder := filepath.Join(filepath.Dir(d.source.Path), Folder)
	entries, err := d.source.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		d.refuseFile(folder, "cannot be read: "+because(err), "it holds one file for each workspace")
		return
	}
	defer func() { d.file = d.source.Path }()
	slices.Sort(entries)
	for _, entry := range entries {
		d.file = filepath.Join(folder, entry)
		name, ok := strings.CutSuffix(entry, ending)
		switch other := strings.HasSuffix(entry, ".yml") || strings.HasSuffix(entry, ".json"); {
		case strings.HasPrefix(entry, "."): // an editor's, or another program's
		case other:
			d.refuseFile(d.file, "would not be read", "the name of a workspace's file ends with "+ending)
		case ok:
			d.workspaceFile(name, c)
		}
	}
}

// workspaceFile reads one workspace.
func (d *decoder) workspaceFile(name string, c *Config) {
	path := join(workspaces, name)
	if !nameForm.MatchString(name) {
		d.refuseFile(d.file, "a workspace cannot be called so", "a name has lower-case letters, digits, - and _, at most 64, and begins with a letter or digit")
		return
	}
	if first, twice := d.places[path]; twice {
		d.refuseFile(d.file, "there is a workspace of this name already: "+Problem{File: first.file, Line: first.line, Message: path}.Error(),
			"keep one of the two")
		return
	}
	d.places[path] = place{file: d.file}
	if !d.given(workspaces) {
		d.places[workspaces] = place{file: d.file}
	}
	text, err := d.source.ReadFile(d.file)
	if err != nil {
		d.refuseFile(d.file, "cannot be read: "+because(err), "")
		return
	}
	tree, problem := document(d.file, text)
	if problem != nil {
		d.refuseFile(d.file, "", "")
		d.problems[len(d.problems)-1] = *problem
		return
	}
	var w Workspace
	w.setDefaults()
	d.putBeneath(path, reflect.ValueOf(&w).Elem())
	d.decode(path, tree, reflect.ValueOf(&w).Elem())
	if d.refused[path] {
		return // it is no map at all
	}
	if c.Workspaces == nil {
		c.Workspaces = map[string]Workspace{}
	}
	c.Workspaces[name] = w
}

// refuseFile reports a mistake of a whole file.
func (d *decoder) refuseFile(file, message, hint string) {
	d.mark(join(workspaces, "?"))
	d.problems = append(d.problems, Problem{File: file, Message: message, Hint: hint})
}

// defaultsFirst moves the defaults to the front: they lie beneath what comes after them.
func (d *decoder) defaultsFirst(tree *yaml.Node) {
	for i := 0; tree.Kind == yaml.MappingNode && i+1 < len(tree.Content); i += 2 {
		if pair := tree.Content[i : i+2]; pair[0].Value == defaults {
			d.defaults = pair[1]
			tree.Content = slices.Concat(pair, tree.Content[:i], tree.Content[i+2:])
			return
		}
	}
}

// putBeneath begins a workspace with the defaults. What is wrong with them was said where they stand.
func (d *decoder) putBeneath(path string, to reflect.Value) {
	if d.defaults == nil || d.defaults.Kind != yaml.MappingNode {
		return
	}
	file, problems, warnings := d.file, len(d.problems), len(d.warnings)
	d.file, d.beneath = d.source.Path, true
	d.decode(path, d.defaults, to)
	d.file, d.beneath = file, false
	d.problems, d.warnings = d.problems[:problems], d.warnings[:warnings]
}

// forget empties a list that stands beneath another one, and no longer knows where its entries stood.
func (d *decoder) forget(path string, list reflect.Value) {
	for i := range list.Len() {
		entry := path + "[" + strconv.Itoa(i) + "]"
		for known := range d.places {
			if known == entry || strings.HasPrefix(known, entry+".") {
				delete(d.places, known)
			}
		}
	}
	list.SetZero()
}

// local returns a path as it is written at a place: from the top of a workspace's own file, or beneath the defaults.
func (d *decoder) local(path string, at place) string {
	if !at.defaults && at.file == d.source.Path {
		return path
	}
	rest, ok := strings.CutPrefix(path, workspaces+".")
	if !ok {
		return path
	}
	_, rest, _ = strings.Cut(rest, ".")
	if at.defaults {
		return join(defaults, rest)
	}
	return rest
}

// readDir names what is in a folder.
func readDir(name string) ([]string, error) {
	entries, err := os.ReadDir(name)
	all := make([]string, len(entries))
	for i, e := range entries {
		all[i] = e.Name()
	}
	return all, err
}

// Files returns the files that a configuration is read from.
func (s Source) Files() []string {
	s = s.withDefaults()
	if s.Path == "" {
		return nil
	}
	all := []string{s.Path}
	if s.ReadDir == nil {
		return all
	}
	folder := filepath.Join(filepath.Dir(s.Path), Folder)
	entries, _ := s.ReadDir(folder)
	for _, entry := range entries {
		if strings.HasSuffix(entry, ending) && !strings.HasPrefix(entry, ".") {
			all = append(all, filepath.Join(folder, entry))
		}
	}
	return all
}
