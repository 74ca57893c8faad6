package main

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// incoming are the matches of what may reach the pod, and whether any policy is about that.
func (c *Cluster) incoming(pod *corev1.Pod, policies []*networkingv1.NetworkPolicy) (rules []string, isIsolated bool) {
	for _, policy := range policies {
		if !slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeIngress) {
			continue
		}
		isIsolated = true
		for _, rule := range policy.Spec.Ingress {
			to := ports(rule.Ports, pod)
			for _, from := range c.peers(policy.Namespace, rule.From) {
				rules = append(rules, joined(from.match("saddr"), to)...)
			}
		}
	}
	return rules, isIsolated
}

// outgoing are the matches of what the pod may reach, and whether any policy is about that.
func (c *Cluster) outgoing(_ *corev1.Pod, policies []*networkingv1.NetworkPolicy) (rules []string, isIsolated bool) {
	for _, policy := range policies {
		if !slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
			continue
		}
		isIsolated = true
		for _, rule := range policy.Spec.Egress {
			for _, to := range c.peers(policy.Namespace, rule.To) {
				rules = append(rules, joined(to.match("daddr"), ports(rule.Ports, to.pod))...)
			}
		}
	}
	return rules, isIsolated
}

func joined(peer string, ports []string) []string {
	var rules []string
	for _, port := range ports {
		rules = append(rules, strings.TrimSpace(peer+" "+port))
	}
	return rules
}

// peer is one end of a connection: a pod, some addresses, or everybody.
type peer struct {
	pod   *corev1.Pod
	block *networkingv1.IPBlock
}

func (p peer) match(field string) string {
	switch {
	case p.pod != nil:
		return fmt.Sprintf("ip %s %s", field, p.pod.Status.PodIP)
	case p.block != nil && len(p.block.Except) > 0:
		return fmt.Sprintf("ip %s %s ip %[1]s != { %[3]s }", field, p.block.CIDR, strings.Join(p.block.Except, ", "))
	case p.block != nil:
		return fmt.Sprintf("ip %s %s", field, p.block.CIDR)
	default:
		return ""
	}
}

// peers are those that a rule of a policy in the namespace names; none named is everybody.
func (c *Cluster) peers(namespace string, named []networkingv1.NetworkPolicyPeer) []peer {
	if len(named) == 0 {
		return []peer{{}}
	}
	var all []peer
	for _, one := range named {
		if one.IPBlock != nil {
			// No pod of this cluster has an address of IPv6.
			if !strings.Contains(one.IPBlock.CIDR, ":") {
				all = append(all, peer{block: one.IPBlock})
			}
			continue
		}
		for _, pod := range c.reachable() {
			if c.selects(namespace, one, pod) {
				all = append(all, peer{pod: pod})
			}
		}
	}
	return all
}

func (c *Cluster) selects(namespace string, one networkingv1.NetworkPolicyPeer, pod *corev1.Pod) bool {
	if one.PodSelector != nil && !matches(one.PodSelector, pod.Labels) {
		return false
	}
	if one.NamespaceSelector == nil {
		return pod.Namespace == namespace
	}
	return slices.ContainsFunc(c.Namespaces, func(of *corev1.Namespace) bool {
		return of.Name == pod.Namespace && matches(one.NamespaceSelector, of.Labels)
	})
}

// ports are the matches of a rule's ports; none named is every port. Named ones are those of the pod that is connected to; of who
// is no pod, nobody knows them.
func ports(named []networkingv1.NetworkPolicyPort, of *corev1.Pod) []string {
	if len(named) == 0 {
		return []string{""}
	}
	var all []string
	for _, one := range named {
		protocol := corev1.ProtocolTCP
		if one.Protocol != nil {
			protocol = *one.Protocol
		}
		word := strings.ToLower(string(protocol))
		switch {
		case one.Port == nil:
			all = append(all, "meta l4proto "+word)
		case one.Port.Type == intstr.String:
			if number, isThere := numberOf(of, one.Port.StrVal, protocol); isThere {
				all = append(all, fmt.Sprintf("%s dport %d", word, number))
			}
		case one.EndPort != nil:
			all = append(all, fmt.Sprintf("%s dport %d-%d", word, one.Port.IntVal, *one.EndPort))
		default:
			all = append(all, fmt.Sprintf("%s dport %d", word, one.Port.IntVal))
		}
	}
	return all
}

// numberOf is the port of a name. Sidecars are init containers, too.
func numberOf(pod *corev1.Pod, name string, protocol corev1.Protocol) (int32, bool) {
	if pod == nil {
		return 0, false
	}
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, port := range container.Ports {
			of := port.Protocol
			if of == "" {
				of = corev1.ProtocolTCP
			}
			if port.Name == name && of == protocol {
				return port.ContainerPort, true
			}
		}
	}
	return 0, false
}
