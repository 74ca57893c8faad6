package main

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func pod(namespace, name, address string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": name}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 2746}}}}},
		Status:     corev1.PodStatus{PodIP: address},
	}
}

// cluster has a server and a client in the namespace a, and another client in b, which is labelled team=b.
func cluster(t *testing.T, specs ...string) *Cluster {
	t.Helper()
	made := &Cluster{
		Pods: []*corev1.Pod{pod("b", "client", "10.0.0.3"), pod("a", "client", "10.0.0.2"), pod("a", "server", "10.0.0.1")},
		Namespaces: []*corev1.Namespace{
			{ObjectMeta: metav1.ObjectMeta{Name: "a"}},
			{ObjectMeta: metav1.ObjectMeta{Name: "b", Labels: map[string]string{"team": "b"}}},
		},
	}
	for _, spec := range specs {
		policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "p"}}
		if err := yaml.UnmarshalStrict([]byte(spec), &policy.Spec); err != nil {
			t.Fatal(err)
		}
		made.Policies = append(made.Policies, policy)
	}
	return made
}

// rules are those of one chain, without the one for the pod itself.
func rules(t *testing.T, table, chain string) []string {
	t.Helper()
	_, rest, isThere := strings.Cut(table, "chain "+chain+" {")
	if !isThere {
		t.Fatalf("there is no chain %s in\n%s", chain, table)
	}
	body, _, _ := strings.Cut(rest, "\n  }\n")
	var found []string
	for _, line := range strings.Split(body, "\n")[2:] {
		if line = strings.TrimSpace(line); line != "" {
			found = append(found, line)
		}
	}
	return found
}

func TestWhatRulesSay(t *testing.T) {
	const server = "podSelector: {matchLabels: {app: server}}\n"
	const in = server + "policyTypes: [Ingress]\n"
	const out = server + "policyTypes: [Egress]\n"
	for name, one := range map[string]struct {
		spec, chain string
		expected    []string
	}{
		"nobody":           {in, "in_10_0_0_1", nil},
		"everybody":        {in + "ingress: [{}]", "in_10_0_0_1", []string{"return"}},
		"a pod":            {in + "ingress: [{from: [{podSelector: {}}]}]", "in_10_0_0_1", []string{"ip saddr 10.0.0.1 return", "ip saddr 10.0.0.2 return"}},
		"a namespace":      {in + "ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}}]}]", "in_10_0_0_1", []string{"ip saddr 10.0.0.3 return"}},
		"both":             {in + "ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: none}}}]}]", "in_10_0_0_1", nil},
		"addresses":        {in + "ingress: [{from: [{ipBlock: {cidr: 10.1.0.0/16, except: [10.1.1.0/24]}}]}]", "in_10_0_0_1", []string{"ip saddr 10.1.0.0/16 ip saddr != { 10.1.1.0/24 } return"}},
		"IPv6":             {in + "ingress: [{from: [{ipBlock: {cidr: 'fd00::/8'}}]}]", "in_10_0_0_1", nil},
		"a named port":     {in + "ingress: [{ports: [{port: http}]}]", "in_10_0_0_1", []string{"tcp dport 2746 return"}},
		"an unknown name":  {in + "ingress: [{ports: [{port: grpc}]}]", "in_10_0_0_1", nil},
		"a range of ports": {in + "ingress: [{ports: [{port: 4000, endPort: 5000, protocol: UDP}]}]", "in_10_0_0_1", []string{"udp dport 4000-5000 return"}},
		"a protocol":       {in + "ingress: [{ports: [{protocol: UDP}]}]", "in_10_0_0_1", []string{"meta l4proto udp return"}},
		"out, by name":     {out + "egress: [{to: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: http}]}]", "out_10_0_0_1", []string{"ip daddr 10.0.0.2 tcp dport 2746 return"}},
	} {
		t.Run(name, func(t *testing.T) {
			expected := append(one.expected, "drop")
			found := rules(t, cluster(t, one.spec).Table(), one.chain)
			if strings.Join(found, "\n") != strings.Join(expected, "\n") {
				t.Errorf("%q is not %q", found, expected)
			}
		})
	}
}

func TestWhomNoPolicySelectsHasNoChain(t *testing.T) {
	table := cluster(t, "podSelector: {matchLabels: {app: server}}\npolicyTypes: [Ingress]").Table()
	for _, absent := range []string{"10_0_0_2", "10_0_0_3", "out_"} {
		if strings.Contains(table, absent) {
			t.Errorf("%s is in\n%s", absent, table)
		}
	}
	if !strings.Contains(table, "elements = { 10.0.0.1 : jump in_10_0_0_1 }") {
		t.Error(table)
	}
}

func TestPodsThatHaveEndedAreNobody(t *testing.T) {
	all := cluster(t, "podSelector: {}\npolicyTypes: [Ingress]")
	ended := pod("a", "ended", "10.0.0.9")
	ended.Status.Phase = corev1.PodFailed
	all.Pods[2].Spec.HostNetwork = true
	heir := pod("a", "heir", "10.0.0.2")
	heir.CreationTimestamp = metav1.NewTime(time.Unix(1, 0))
	all.Pods = append(all.Pods, heir, ended)
	table := all.Table()
	if strings.Contains(table, "10.0.0.1") || strings.Contains(table, "10.0.0.9") || !strings.Contains(table, "# a/heir") || strings.Contains(table, "a/client") {
		t.Error(table)
	}
}
