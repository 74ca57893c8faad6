// network-policies enforces NetworkPolicies on a cluster of one node, whose pods are reached by routes. All of them are one nftables
// table, which replaces the one before in a single transaction. It works in the node's network namespace, and is told the kubeconfig.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// Changes that come together are applied together.
	gathering = 50 * time.Millisecond
	// Before nft is asked again that failed.
	pause = time.Second
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: network-policies KUBECONFIG")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	pods, namespaces := factory.Core().V1().Pods(), factory.Core().V1().Namespaces()
	policies := factory.Networking().V1().NetworkPolicies()

	changed := make(chan struct{}, 1)
	tell := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { tell() },
		UpdateFunc: func(any, any) { tell() },
		DeleteFunc: func(any) { tell() },
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	tell()

	applied := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		cluster := Cluster{}
		if cluster.Pods, err = pods.Lister().List(labels.Everything()); err != nil {
			return err
		}
		if cluster.Namespaces, err = namespaces.Lister().List(labels.Everything()); err != nil {
			return err
		}
		if cluster.Policies, err = policies.Lister().List(labels.Everything()); err != nil {
			return err
		}
		if table := cluster.Table(); table != applied {
			if err := apply(ctx, table); err != nil {
				log.Print(err)
				time.Sleep(pause)
				tell()
				continue
			}
			applied = table
			log.Printf("applied %d policies", len(cluster.Policies))
		}
		time.Sleep(gathering)
	}
}

func apply(ctx context.Context, table string) error {
	nft := exec.CommandContext(ctx, "nft", "--file", "-")
	nft.Stdin = strings.NewReader(table)
	if said, err := nft.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s\n%s", err, said, table)
	}
	return nil
}
