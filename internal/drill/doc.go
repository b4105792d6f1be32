// Package drill proves the house's one promise on the whole program: nobody is
// forgotten, nobody is mailed twice, and every doubt is shown. It holds tests
// only: the program killed in mid-flight before a witness, a simulator of the
// line from a seed, disks that fail, servers that mean harm, and a search of
// all that is said for a secret. It must never hold anything that another room
// could use.
package drill
