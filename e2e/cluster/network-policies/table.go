package main

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const name = "kubeopencode-policies"

// Cluster is what the policies are about, as it is now. It does no I/O: the same cluster yields the same table.
type Cluster struct {
	Pods       []*corev1.Pod
	Namespaces []*corev1.Namespace
	Policies   []*networkingv1.NetworkPolicy
}

// Table is the whole table for nft. Each pod that a policy selects has a chain for what comes in, or for what goes out, which ends
// in a drop. What the node itself sends is in neither hook.
func (c *Cluster) Table() string {
	var chains strings.Builder
	var incoming, outgoing []string
	for _, pod := range c.reachable() {
		address := pod.Status.PodIP
		of := c.policiesOf(pod)
		id := strings.ReplaceAll(address, ".", "_")
		if rules, isIsolated := c.incoming(pod, of); isIsolated {
			chain(&chains, "in_"+id, pod, rules)
			incoming = append(incoming, address+" : jump in_"+id)
		}
		if rules, isIsolated := c.outgoing(pod, of); isIsolated {
			chain(&chains, "out_"+id, pod, rules)
			outgoing = append(outgoing, address+" : jump out_"+id)
		}
	}
	return fmt.Sprintf(`table ip %[1]s
delete table ip %[1]s
table ip %[1]s {
%[2]s%[3]s%[4]s  chain forward {
    type filter hook forward priority filter - 5; policy accept;
    ct state established,related accept
    ip saddr vmap @outgoing
    ip daddr vmap @incoming
  }
  chain input {
    type filter hook input priority filter - 5; policy accept;
    ct state established,related accept
    ip saddr vmap @outgoing
  }
}
`, name, chains.String(), verdicts("incoming", incoming), verdicts("outgoing", outgoing))
}

func chain(to *strings.Builder, name string, pod *corev1.Pod, rules []string) {
	fmt.Fprintf(to, "  chain %s { # %s/%s\n", name, pod.Namespace, pod.Name)
	// A pod may always connect to itself.
	fmt.Fprintf(to, "    ip saddr %[1]s ip daddr %[1]s return\n", pod.Status.PodIP)
	for _, rule := range rules {
		fmt.Fprintf(to, "    %s return\n", rule)
	}
	to.WriteString("    drop\n  }\n")
}

func verdicts(name string, elements []string) string {
	if len(elements) == 0 {
		return fmt.Sprintf("  map %s { type ipv4_addr : verdict; }\n", name)
	}
	return fmt.Sprintf("  map %s { type ipv4_addr : verdict; elements = { %s }; }\n", name, strings.Join(elements, ", "))
}

// reachable are the pods with an address of their own, sorted by it. An address that was given anew is the younger pod's.
func (c *Cluster) reachable() []*corev1.Pod {
	by := map[string]*corev1.Pod{}
	for _, pod := range c.Pods {
		hasEnded := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if pod.Status.PodIP == "" || pod.Spec.HostNetwork || hasEnded {
			continue
		}
		other := by[pod.Status.PodIP]
		if other == nil || other.CreationTimestamp.Before(&pod.CreationTimestamp) {
			by[pod.Status.PodIP] = pod
		}
	}
	pods := make([]*corev1.Pod, 0, len(by))
	for _, pod := range by {
		pods = append(pods, pod)
	}
	slices.SortFunc(pods, func(a, b *corev1.Pod) int { return strings.Compare(a.Status.PodIP, b.Status.PodIP) })
	return pods
}

// policiesOf are those that select the pod, sorted by name.
func (c *Cluster) policiesOf(pod *corev1.Pod) []*networkingv1.NetworkPolicy {
	var of []*networkingv1.NetworkPolicy
	for _, policy := range c.Policies {
		if policy.Namespace == pod.Namespace && matches(&policy.Spec.PodSelector, pod.Labels) {
			of = append(of, policy)
		}
	}
	slices.SortFunc(of, func(a, b *networkingv1.NetworkPolicy) int { return strings.Compare(a.Name, b.Name) })
	return of
}

// matches is false for a selector that cannot be read, which the API server does not take.
func matches(selector *metav1.LabelSelector, set map[string]string) bool {
	readable, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && readable.Matches(labels.Set(set))
}
