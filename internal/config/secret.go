package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a value that must not be seen: however it is printed, logged or encoded, only where it came from shows.
// The zero Secret is unset.
type Secret struct{ value, reference string }

// NewSecret returns a secret, with where it came from, such as "env:CLAY_WEBHOOK_URL".
func NewSecret(value, reference string) Secret { return Secret{value, reference} }

// Reveal returns the secret itself, "" when it is unset or was not read because Clay is emulated.
func (s Secret) Reveal() string { return s.value }

// IsSet reports whether a secret was named.
func (s Secret) IsSet() bool { return s.reference != "" }

// String says where the secret comes from.
func (s Secret) String() string {
	if !s.IsSet() {
		return "unset"
	}
	return "[" + s.reference + "]"
}

// Format is String for every verb, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String, for encoding/json, YAML and whatever else encodes.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
