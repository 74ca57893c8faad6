// coredns is CoreDNS with the plugins that a cluster's DNS needs, with and without a way out, and no others.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
)

// A query goes through the plugins in this order, whatever the order in the Corefile.
var order = []string{"health", "ready", "prometheus", "errors", "log", "cache", "loadbalance", "kubernetes", "forward", "template"}

func main() {
	dnsserver.Directives = order
	coremain.Run()
}
