{{/* The head of a component's Deployment, up to its containers: (list $ COMPONENT VALUES GRACE), GRACE being the seconds that
     its pods have to end. */}}
{{- define "kubeopencode.deployment" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $values := index . 2 }}
{{- $version := include "kubeopencode.versionLabel" (list $root $values.image) | fromYaml }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "kubeopencode.name" $component }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "kubeopencode.labels" (list $root $component $version) | nindent 4 }}
  {{- include "kubeopencode.annotations" (list $root $values.annotations) | nindent 2 }}
spec:
  {{- /* Where a HorizontalPodAutoscaler decides, an upgrade must not. */}}
  {{- if not (default dict $values.autoscaling).enabled }}
  replicas: {{ $values.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "kubeopencode.selector" $component | nindent 6 }}
  template:
    metadata:
      {{- include "kubeopencode.podMetadata" (list $root $component $values) | nindent 6 }}
    spec:
      serviceAccountName: {{ include "kubeopencode.name" $component }}
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ index . 3 }}
      securityContext:
        {{- include "kubeopencode.podSecurity" $root | nindent 8 }}
      {{- include "kubeopencode.scheduling" (list $root $component $values) | nindent 6 }}
{{- end }}

{{/* What a container and its pod end with: (list $ VALUES SECRET). */}}
{{- define "kubeopencode.containerEnd" -}}
{{- $root := index . 0 }}
{{- $values := index . 1 }}
        {{- with $values.extraArgs }}
          args:
            {{- toYaml . | nindent 12 }}
        {{- end }}
        {{- with $root.Values.image.pullPolicy }}
          imagePullPolicy: {{ . }}
        {{- end }}
          {{- include "kubeopencode.probes" $root | nindent 10 }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          securityContext:
            {{- include "kubeopencode.containerSecurity" $root | nindent 12 }}
          volumeMounts:
            - {name: tls, mountPath: /etc/kubeopencode/tls, readOnly: true}
            {{- with include "kubeopencode.collectorMount" $root | trim }}
            {{- . | nindent 12 }}
            {{- end }}
{{- end }}
