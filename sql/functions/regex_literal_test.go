package functions

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
)

// What is found behind the literal is what would be found without it.
func TestRegexLiteral(t *testing.T) {
	for pat, want := range map[string]regexLiteral{
		`(&|^)id=([^&]*)`: {[]byte("id="), 4}, `ab`: {[]byte("ab"), 0}, `.?(ab)+c`: {}, `a*bc`: {}, `(?i)abc`: {}, `(?m)^bc|a`: {},
		`\b(ba|ac)$`: {}, `(?m)(^|[ä&])cb`: {[]byte("cb"), 4}, `\b(aa|b)?cab`: {[]byte("cab"), 8}, `a{2}bc\b`: {[]byte("bc"), 8},
	} {
		re := regexp.MustCompile(pat)
		got := literalOf(re)
		if string(got.text) != string(want.text) || got.before != want.before && want.text != nil {
			t.Errorf("%s: got %q %d, want %q %d", pat, got.text, got.before, want.text, want.before)
		}
		r, rng := &compiledRegex{re: re, literal: got}, rand.New(rand.NewPCG(1, 2))
		for range 3000 {
			s := make([]rune, rng.IntN(14))
			for i := range s {
				s[i] = []rune("abcid=&ä\n ")[rng.IntN(10)]
			}
			text := []byte(string(s))
			if m, all := r.find(text), re.FindSubmatchIndex(text); !slices.Equal(m, all) || r.match(text) != (all != nil) {
				t.Fatalf("%s in %q: got %v, want %v", pat, text, m, all)
			}
		}
	}
}
