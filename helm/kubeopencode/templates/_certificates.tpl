{{/* The Secrets of the installation's own authority. The last has its key, and is nobody's but the jobs'. */}}
{{- define "kubeopencode.secrets" -}}
- kubeopencode-gateway-tls
- kubeopencode-controller-tls
- kubeopencode-broker-tls
- kubeopencode-operator-tls
- kubeopencode-ca
{{- end }}

{{/* The pod that makes and renews certificates. */}}
{{- define "kubeopencode.certificatesPod" -}}
{{- $arguments := list "renew" (printf "--namespace=%s" .Release.Namespace) }}
{{- with .Values.certificates.job.validityDays }}
{{- $arguments = append $arguments (printf "--validity=%v" .) }}
{{- end }}
{{- with .Values.certificates.job.renewBeforeDays }}
{{- $arguments = append $arguments (printf "--renew-before=%v" .) }}
{{- end }}
{{- include "kubeopencode.kubeocPod" (list . "certificates" $arguments) }}
{{- end }}

{{/* A pod that runs `kubeoc certificates`: (list $ COMPONENT ARGUMENTS). */}}
{{- define "kubeopencode.kubeocPod" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $values := $root.Values.certificates.job }}
metadata:
  {{- include "kubeopencode.podMetadata" (list $root $component $values) | nindent 2 }}
spec:
  serviceAccountName: {{ include "kubeopencode.name" $component }}
  restartPolicy: Never
  enableServiceLinks: false
  securityContext:
    {{- include "kubeopencode.podSecurity" $root | nindent 4 }}
  {{- include "kubeopencode.scheduling" (list $root $component $values) | nindent 2 }}
  containers:
    - name: kubeoc
      image: {{ include "kubeopencode.image" (list $root $values.image) }}
      {{- with $root.Values.image.pullPolicy }}
      imagePullPolicy: {{ . }}
      {{- end }}
      args:
        - certificates
        {{- toYaml (index . 2) | nindent 8 }}
      {{- with $values.extraEnv }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      securityContext:
        {{- include "kubeopencode.containerSecurity" $root | nindent 8 }}
{{- end }}
