// Package templates holds the letter, the layouts and the partials that ship
// with hongyan, so that a layout's name is enough where its folder is not at hand.
package templates

import "embed"

// FS holds welcome.md, layouts/ and partials/ as they stand in this folder.
//
//go:embed welcome.md layouts partials
var FS embed.FS
