package crash

import (
	"context"
	"fmt"
)

// victim is a server that can be killed.
type victim interface {
	// start runs the server on the data it had, and returns as soon as the process exists.
	start(ctx context.Context) error
	// kill ends it with SIGKILL and returns when it is gone.
	kill() error
	// connString says where it listens.
	connString() string
}

// dialect is what differs between the servers under test.
type dialect struct {
	createView string // with the view's name and its query to be filled in
	seldom     string // clause that makes a view change at times only
	verify     string // checks a materialized view, with its name to be filled in; "" when there is none
	// A source that makes rows by itself: the statement, the name, and a column that is never the same twice.
	source, sourceName, sourceKey string
}

func (d dialect) view(name, query string) string { return fmt.Sprintf(d.createView, name, query) }

// streamdbDialect is ours.
var streamdbDialect = dialect{
	createView: "CREATE MATERIALIZED VIEW %s AS %s",
	seldom:     " EMIT EVERY INTERVAL '300 milliseconds'",
	verify:     "VERIFY MATERIALIZED VIEW %s",
	source:     "CREATE SOURCE auctions (id bigint, category bigint) WITH (connector = 'nexmark', type = 'auction', rate = 20000)",
	sourceName: "auctions",
	sourceKey:  "id",
}

// postgresDialect serves to test the test.
var postgresDialect = dialect{createView: "CREATE VIEW %s AS %s"}
