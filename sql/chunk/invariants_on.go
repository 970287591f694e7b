//go:build invariants

package chunk

// checked turns costly checks on; tests set the build tag invariants.
const checked = true
