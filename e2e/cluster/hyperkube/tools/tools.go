//go:build tools

// Package tools keeps programs in go.mod that are built from here and imported by nothing.
package tools

import _ "github.com/rancher/local-path-provisioner"
