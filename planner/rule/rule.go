package rule

import "streamdb/planner/logical"

// Ctx is what rules share while one statement is rewritten.
type Ctx struct {
	Meta *logical.Meta
	// Maintained says that the plan will run for ever over changes, not once over a
	// snapshot.
	Maintained bool
	// Access finds key ranges for scans; nil for maintained plans.
	Access func(s *logical.Scan, filter *logical.Filter) *logical.Scan
	// Err is the first thing a rule could not do.
	Err error
	// fired is the rules that have changed something.
	fired map[string]bool
}

// Rule is one rewriting.
type Rule struct {
	Name string
	// Run rewrites a whole plan whose needed output columns are need.
	Run func(c *Ctx, n logical.Node, need logical.ColSet) logical.Node
}

// Rules is every rule in the order in which they run; some run again after others.
var Rules = []Rule{
	{"DecorrelateApply", decorrelateAll},
	{"FoldConstants", foldConstants},
	{"PushFilter", pushFilters},
	{"MergeProjects", mergeProjects},
	{"PushFilter", pushFilters},
	{"PruneColumns", pruneColumns},
	{"MergeProjects", mergeProjects},
	{"FoldConstants", foldConstants},
	{"NumberedTopN", numberedTopN},
	{"PushProjectBelowWindow", projectBelowWindow},
	{"ShareHopPanes", shareHopPanes},
	{"PruneColumns", pruneColumns},
	{"JoinLeaders", joinLeaders},
	{"ScanKeyRange", scanKeyRange},
}

// Rewrite runs all rules over a plan of which the columns need are wanted.
func Rewrite(c *Ctx, n logical.Node, need logical.ColSet) (logical.Node, error) {
	c.fired = map[string]bool{}
	for _, r := range Rules {
		m := r.Run(c, n, need)
		if c.Err != nil {
			return nil, c.Err
		}
		n = m
	}
	return n, nil
}

// fire notes that a rule has changed something.
func (c *Ctx) fire(name string) {
	if c.fired == nil {
		c.fired = map[string]bool{}
	}
	c.fired[name] = true
}

// Fired tells whether a rule, or an act of one, has changed something.
func (c *Ctx) Fired(name string) bool { return c.fired[name] }
