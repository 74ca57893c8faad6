{{/* The types of a component's policy, and what its pods may reach where that is limited: (list $ COMPONENT). The API server is
     for all of them; the rest is for who calls it. */}}
{{- define "kubeopencode.egress" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $values := $root.Values.networkPolicies.egress }}
policyTypes: [Ingress{{ if $values.enabled }}, Egress{{ end }}]
{{- if $values.enabled }}
egress:
  {{- range $reached := list $values.dns $values.apiServer }}
  - ports:
      {{- toYaml $reached.ports | nindent 6 }}
    {{- with $reached.to }}
    to:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  {{- end }}
  {{- if has $component (list "gateway" "controller") }}
  - to:
      - podSelector:
          matchLabels:
            {{- include "kubeopencode.selector" "terminal-broker" | nindent 12 }}
    ports: [{port: 50051}]
  {{- end }}
  {{- if eq $component "controller" }}
  # Whose port is theirs to choose.
  - to:
      - namespaceSelector: {}
        podSelector:
          matchExpressions:
            - {key: kubeopencode.io/agent, operator: Exists}
  {{- end }}
  {{- if and $root.Values.traces.endpoint (has $component (list "gateway" "controller" "terminal-broker")) }}
  - ports:
      {{- include "kubeopencode.collectorPorts" $root | nindent 6 }}
    {{- with $values.collector.to }}
    to:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Those that the values name, or that of the endpoint. A policy knows the port of the collector's pod, not of its Service. */}}
{{- define "kubeopencode.collectorPorts" -}}
{{- $endpoint := .Values.traces.endpoint | trimSuffix "/" }}
{{- $scheme := hasPrefix "https:" $endpoint | ternary 443 80 }}
{{- $port := regexFind ":[0-9]+$" $endpoint | trimPrefix ":" | default $scheme }}
{{- default (list (dict "port" (int $port))) .Values.networkPolicies.egress.collector.ports | toYaml }}
{{- end }}
