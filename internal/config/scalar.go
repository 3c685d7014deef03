package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

var (
	secretType   = reflect.TypeFor[Secret]()
	fieldsType   = reflect.TypeFor[Fields]()
	inputsType   = reflect.TypeFor[Inputs]()
	privateType  = reflect.TypeFor[Private]()
	headersType  = reflect.TypeFor[Headers]()
	durationType = reflect.TypeFor[time.Duration]()
)

func isScalar(to reflect.Value) bool {
	switch to.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		return true
	}
	return to.Type() == secretType || to.Type() == privateType
}

// scalar sets a single value.
func (d *decoder) scalar(path string, node *yaml.Node, to reflect.Value) {
	switch {
	case node.Kind != yaml.ScalarNode:
		d.refuse(path, fmt.Sprintf("is %s where one value is expected", describe(node)), "")
	case to.Type() == secretType && node.ShortTag() == "!!null":
		d.refuse(path, "has no value", "write env:NAME or file:PATH")
	case to.Type() == secretType:
		to.Set(reflect.ValueOf(d.secret(path, node.Value)))
	case to.Type() == privateType:
		to.Set(reflect.ValueOf(d.private(path, node.Value)))
	case to.Type() == durationType:
		v, err := parseDuration(node.Value)
		d.set(path, to, v, err)
	case to.Kind() == reflect.Bool:
		v, err := parseBool(node)
		d.set(path, to, v, err)
	case to.Kind() == reflect.Int:
		v, err := parseInt(node)
		d.set(path, to, v, err)
	case to.Kind() == reflect.Float64:
		v, err := parseFloat(node)
		d.set(path, to, v, err)
	case node.ShortTag() != "!!str":
		d.refuse(path, fmt.Sprintf("is %s where text is expected", describe(node)), "put it into quotes")
	default:
		d.text(path, node.Value, to)
	}
}

func (d *decoder) set(path string, to reflect.Value, value any, err error) {
	if err != nil {
		d.refuse(path, err.Error(), "")
		return
	}
	to.Set(reflect.ValueOf(value))
}

// text sets a text, or one of a few.
func (d *decoder) text(path, value string, to reflect.Value) {
	c, chosen := to.Interface().(choice)
	switch {
	case chosen && !slices.Contains(c.choices(), value):
		hint := "it takes " + strings.Join(c.choices(), ", ")
		if near := nearest(value, c.choices()); near != "" {
			hint = "did you mean " + near + "? It takes " + strings.Join(c.choices(), ", ")
		}
		d.refuse(path, shown(value)+" is not one of its values", hint)
	case strings.ContainsFunc(value, control):
		d.refuse(path, "has a control character", "")
	case strings.TrimSpace(value) == "":
		d.refuse(path, "is empty", "leave the key out for its default")
	default:
		to.SetString(value)
	}
}

// fields sets the names of fields.
func (d *decoder) fields(path string, nodes []*yaml.Node, to reflect.Value) {
	d.forget(path, to)
	var all Fields
	for i, node := range nodes {
		at := fmt.Sprintf("%s[%d]", path, i)
		var name string
		d.decode(at, node, reflect.ValueOf(&name).Elem())
		switch {
		case !d.sound(at):
		case slices.Contains(all, name):
			d.refuse(at, shown(name)+" is named twice", "leave one of them out")
		default:
			all = append(all, name)
		}
	}
	if len(nodes) == 0 {
		d.refuse(path, "is an empty list", "leave the key out for its default")
	}
	to.Set(reflect.ValueOf(all))
}

// Numbers are plain decimal digits. YAML would read 010 as 8, 1_000 as 1000 and 1e3 as text or number.
var (
	intForm   = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,8})$`)
	largeForm = regexp.MustCompile(`^[1-9][0-9]{9,}$`)
	floatForm = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?$`)
)

func parseInt(node *yaml.Node) (int, error) {
	if err := plain(node, intForm, "a whole number"); err != nil {
		return 0, err
	}
	return strconv.Atoi(node.Value)
}

func parseFloat(node *yaml.Node) (float64, error) {
	if err := plain(node, floatForm, "a number"); err != nil {
		return 0, err
	}
	return strconv.ParseFloat(node.Value, 64)
}

func plain(node *yaml.Node, form *regexp.Regexp, want string) error {
	tag := node.ShortTag()
	switch matches := form.MatchString(node.Value); {
	case matches && tag == "!!str":
		return fmt.Errorf("%s is text; write the number without quotes", shown(node.Value))
	case !matches && largeForm.MatchString(node.Value):
		return errors.New("is too large")
	case !matches && (tag == "!!int" || tag == "!!float"):
		return fmt.Errorf("%s is not %s in plain decimal digits, such as 10", shown(node.Value), want)
	case !matches:
		return fmt.Errorf("is %s where %s is expected, such as 10", describe(node), want)
	}
	return nil
}

func parseBool(node *yaml.Node) (bool, error) {
	if node.ShortTag() == "!!bool" {
		return strings.EqualFold(node.Value, "true"), nil
	}
	return false, fmt.Errorf("%s is not a truth value; write true or false, without quotes", shown(node.Value))
}
