package cli

import (
	"cmp"
	"strings"
)

// The variables that say how Clay is reached. Clay's own command line reads CLAY_API_KEY and CLAY_API_URL too.
const (
	envPublicKey     = "CLAY_PUBLIC_API_KEY"
	envEnterpriseKey = "CLAY_ENTERPRISE_API_KEY"
	envKey           = "CLAY_API_KEY"
	envURL           = "CLAY_API_URL"
)

// defaultClayURL is where Clay's APIs are.
const defaultClayURL = "https://api.clay.com"

// publicKey is the key of the Public API, with the name of the variable that holds it.
func publicKey(s Streams) (key, from string) { return firstSet(s, envPublicKey, envKey) }

// enterpriseKey is the key of the Enterprise endpoints, likewise.
func enterpriseKey(s Streams) (key, from string) { return firstSet(s, envEnterpriseKey, envKey) }

func firstSet(s Streams, names ...string) (value, name string) {
	for _, name := range names {
		if value := strings.TrimSpace(s.Getenv(name)); value != "" {
			return value, name
		}
	}
	return "", ""
}

// clayURL is where Clay's APIs are, without a slash at its end.
func clayURL(s Streams) string {
	return strings.TrimRight(cmp.Or(strings.TrimSpace(s.Getenv(envURL)), defaultClayURL), "/")
}
