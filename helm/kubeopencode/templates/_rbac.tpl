{{/* The ServiceAccount of a component: (list $ COMPONENT VALUES). */}}
{{- define "kubeopencode.serviceAccount" -}}
{{- $root := index . 0 }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "kubeopencode.name" (index . 1) }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "kubeopencode.labels" (list $root "") | nindent 4 }}
  {{- include "kubeopencode.annotations" (list $root (index . 2).serviceAccount.annotations) | nindent 2 }}
{{- end }}

{{/* The rules of a component, named kubeopencode.rules.COMPONENT, in the whole cluster or in each of the namespaces that are
     watched: (list $ COMPONENT). */}}
{{- define "kubeopencode.permissions" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $name := include "kubeopencode.name" $component }}
{{- $scopes := default (list "") $root.Values.watchNamespaces }}
{{- range $namespace := $scopes }}
{{- $kind := empty $namespace | ternary "ClusterRole" "Role" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ $name }}{{ if $namespace }}-agents{{ end }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "kubeopencode.labels" (list $root "") | nindent 4 }}
  {{- include "kubeopencode.annotations" (list $root) | nindent 2 }}
rules:
  {{- include (printf "kubeopencode.rules.%s" $component) $root | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ $name }}{{ if $namespace }}-agents{{ end }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "kubeopencode.labels" (list $root "") | nindent 4 }}
  {{- include "kubeopencode.annotations" (list $root) | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ $name }}{{ if $namespace }}-agents{{ end }}
subjects:
  {{- include "kubeopencode.subject" (list $root $component) | nindent 2 }}
{{- end }}
{{- end }}
