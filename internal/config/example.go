package config

import _ "embed" // the example

//go:embed example.yaml
var example string

// Example returns a commented file that shows every key. examples/claygate.yaml is the same.
func Example() string { return example }
