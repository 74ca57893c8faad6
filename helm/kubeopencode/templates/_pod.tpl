{{/* What the pods of all components have alike. */}}

{{/* Where a pod runs, and what it is worth: (list $ COMPONENT VALUES). */}}
{{- define "kubeopencode.scheduling" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $values := index . 2 }}
{{- with default $root.Values.priorityClassName $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{ toYaml . | nindent 4 | trim }}
    {{- if not .labelSelector }}
    labelSelector:
      matchLabels:
        {{- include "kubeopencode.selector" $component | nindent 8 }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Nothing of ours needs root, a capability or a writable root. */}}
{{- define "kubeopencode.podSecurity" -}}
runAsNonRoot: true
{{- if .Values.security.fixedUser }}
runAsUser: 65532
runAsGroup: 65532
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "kubeopencode.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Variables of every long-running process. */}}
{{- define "kubeopencode.env" -}}
- {name: LOG_FORMAT, value: {{ .Values.log.format }}}
{{- with .Values.log.level }}
- {name: LOG_LEVEL, value: {{ . | quote }}}
{{- end }}
{{- include "kubeopencode.flags" (list "WATCH_NAMESPACES" .Values.watchNamespaces) }}
# Memory goes back to the system at once: docs/adr/0007.
- {name: MIMALLOC_PURGE_DELAY, value: "0"}
- {name: MIMALLOC_PAGE_FULL_RETAIN, value: "0"}
{{- with .Values.traces }}
{{- include "kubeopencode.flags" (list
  "OTEL_EXPORTER_OTLP_ENDPOINT" .endpoint
  "OTEL_EXPORTER_OTLP_CERTIFICATE" (ternary "/etc/kubeopencode/collector/ca.crt" "" (ne .certificateAuthority.configMap ""))
  "OTEL_TRACES_SAMPLER" .sampler
  "OTEL_TRACES_SAMPLER_ARG" (ternary "" (toString .ratio) (kindIs "invalid" .ratio))) }}
{{- end }}
{{- end }}

{{/* The authority of a collector of traces, as a volume and where it is mounted. */}}
{{- define "kubeopencode.collectorVolume" -}}
{{- with .Values.traces.certificateAuthority }}
{{- if .configMap }}
- name: collector
  configMap:
    name: {{ .configMap }}
    items: [{key: {{ .key }}, path: ca.crt}]
{{- end }}
{{- end }}
{{- end }}

{{- define "kubeopencode.collectorMount" -}}
{{- if .Values.traces.certificateAuthority.configMap }}
- {name: collector, mountPath: /etc/kubeopencode/collector, readOnly: true}
{{- end }}
{{- end }}

{{/* Variables of flags: names and values in turn. One without a value is left to the program. */}}
{{- define "kubeopencode.flags" -}}
{{- range chunk 2 . }}
{{- $value := index . 1 }}
{{- if kindIs "slice" $value }}
{{- $value = join "," $value }}
{{- else if kindIs "float64" $value }}
{{- $value = int64 $value }}
{{- end }}
{{- if and (not (kindIs "invalid" $value)) (ne (toString $value) "") }}
- {name: {{ index . 0 }}, value: {{ toString $value | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{/* Flags of the processes that admit visits: the values of a component. */}}
{{- define "kubeopencode.visits" -}}
{{- include "kubeopencode.flags" (list
  "MAX_TERMINALS" .terminals.max
  "MAX_TERMINALS_PER_AGENT" .terminals.maxPerAgent
  "MAX_TERMINALS_PER_LINK" .terminals.maxPerLink
  "STALE_GRACE" .staleGrace) }}
{{- end }}

{{/* Labels and annotations of a component's pods: (list $ COMPONENT VALUES). */}}
{{- define "kubeopencode.podMetadata" -}}
{{- $values := index . 2 }}
labels:
  {{- $own := include "kubeopencode.selector" (index . 1) | fromYaml }}
  {{- mergeOverwrite (deepCopy (index . 0).Values.commonLabels) (deepCopy $values.podLabels) $own | toYaml | nindent 2 }}
{{- with mergeOverwrite (deepCopy (index . 0).Values.commonAnnotations) (deepCopy $values.podAnnotations) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "kubeopencode.probes" -}}
readinessProbe:
  httpGet: {path: /readyz, port: metrics}
  periodSeconds: 2
livenessProbe:
  httpGet: {path: /livez, port: metrics}
  periodSeconds: 20
{{- end }}
