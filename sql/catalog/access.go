package catalog

import "streamdb/sql/sqlerr"

// Action is what somebody wants to do with an object.
type Action string

// The actions.
const (
	ActionSelect   Action = "SELECT"
	ActionInsert   Action = "INSERT"
	ActionUpdate   Action = "UPDATE"
	ActionDelete   Action = "DELETE"
	ActionTruncate Action = "TRUNCATE"
	ActionUsage    Action = "USAGE"
	ActionCreate   Action = "CREATE" // within a schema
	ActionAlter    Action = "ALTER"
	ActionDrop     Action = "DROP"
)

// Check is the one place that says whether user may do action with object; every
// statement asks it for every object it touches. There are no roles yet, so it only
// guards what belongs to the system.
func (c *Catalog) Check(user string, action Action, object *Descriptor) error {
	if object == nil || object.ID >= FirstUserID || object.ID == PublicID {
		return nil
	}
	switch action {
	case ActionSelect, ActionUsage:
		return nil
	case ActionCreate:
		return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied for schema %s", object.Name).
			WithDetail("System catalog modifications are currently disallowed.")
	}
	return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied: %q is a system %s", object.Name, object.Kind)
}
