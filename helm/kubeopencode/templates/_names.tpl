{{/* Names, labels and annotations. Names are fixed: certificates, docs and tools go by them. */}}

{{/* The name of a component's Deployment, Service, ServiceAccount and roles. */}}
{{- define "kubeopencode.name" -}}
{{- get (dict "controller" "kubeopencode-controller" "gateway" "kubeopencode-server" "terminal-broker" "kubeopencode-terminal-broker" "certificates" "kubeopencode-certificates" "removal" "kubeopencode-removal") . -}}
{{- end }}

{{/* What selects the pods of a component, and never changes. By component as well: the pods of Agents have the name
     kubeopencode-server, too. */}}
{{- define "kubeopencode.selector" -}}
app.kubernetes.io/name: {{ include "kubeopencode.name" . }}
app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* Labels of an object: (list $ COMPONENT FURTHER...), where COMPONENT may be empty. FURTHER win over common ones. */}}
{{- define "kubeopencode.labels" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- with $component }}
{{- include "kubeopencode.selector" . }}
{{ end -}}
app.kubernetes.io/part-of: kubeopencode
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- $further := deepCopy $root.Values.commonLabels }}
{{- range rest (rest .) }}
{{- $further = mergeOverwrite $further (deepCopy (default dict .)) }}
{{- end }}
{{ toYaml (mergeOverwrite (dict "app.kubernetes.io/version" $root.Chart.AppVersion) $further) }}
{{- end }}

{{/* A label with the version that a component runs, which need not be the chart's: (list $ IMAGE). */}}
{{- define "kubeopencode.versionLabel" -}}
app.kubernetes.io/version: {{ include "kubeopencode.tag" . | trunc 63 | trimAll "-_." | quote }}
{{- end }}

{{/* The key `annotations` of an object, or nothing: (list $ FURTHER...). */}}
{{- define "kubeopencode.annotations" -}}
{{- $all := deepCopy (index . 0).Values.commonAnnotations }}
{{- range rest . }}
{{- $all = mergeOverwrite $all (deepCopy (default dict .)) }}
{{- end }}
{{- with $all }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The reference of an image: (list $ IMAGE). What the image leaves out is that of .Values.image. */}}
{{- define "kubeopencode.image" -}}
{{- $common := (index . 0).Values.image }}
{{- $image := index . 1 }}
{{- $name := printf "%s/%s" (default $common.registry $image.registry) $image.repository }}
{{- if $image.digest }}
{{- printf "%s@%s" $name $image.digest }}
{{- else }}
{{- printf "%s:%s" $name (include "kubeopencode.tag" .) }}
{{- end }}
{{- end }}

{{- define "kubeopencode.tag" -}}
{{- coalesce (index . 1).tag (index . 0).Values.image.tag (index . 0).Chart.AppVersion }}
{{- end }}

{{/* What every object with namespaced RBAC ends with: the ServiceAccount of a component. */}}
{{- define "kubeopencode.subject" -}}
- kind: ServiceAccount
  name: {{ include "kubeopencode.name" (index . 1) }}
  namespace: {{ (index . 0).Release.Namespace }}
{{- end }}

{{/* The reference of an image that agents' pods are made of, or nothing where it is what the controller uses anyway. */}}
{{- define "kubeopencode.agentImage" -}}
{{- $image := include "kubeopencode.image" . }}
{{- if ne $image (printf "ghcr.io/%s:latest" (index . 1).repository) }}
{{- $image }}
{{- end }}
{{- end }}

{{/* The Secret that holds the certificate of a process: (list $ PROCESS). */}}
{{- define "kubeopencode.secret" -}}
{{- $certificates := (index . 0).Values.certificates }}
{{- if eq $certificates.mode "existing" }}
{{- get $certificates.existing (index . 1) }}
{{- else }}
{{- printf "kubeopencode-%s-tls" (index . 1) }}
{{- end }}
{{- end }}
