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
{{- $values := .Values.certificates.job }}
metadata:
  {{- include "kubeopencode.podMetadata" (list . "certificates" $values) | nindent 2 }}
spec:
  serviceAccountName: kubeopencode-certificates
  restartPolicy: Never
  enableServiceLinks: false
  securityContext:
    {{- include "kubeopencode.podSecurity" . | nindent 4 }}
  {{- include "kubeopencode.scheduling" (list . "certificates" $values) | nindent 2 }}
  containers:
    - name: kubeoc
      image: {{ include "kubeopencode.image" (list . $values.image) }}
      {{- with .Values.image.pullPolicy }}
      imagePullPolicy: {{ . }}
      {{- end }}
      args:
        - certificates
        - renew
        - --namespace={{ .Release.Namespace }}
        {{- with $values.validityDays }}
        - --validity={{ . }}
        {{- end }}
        {{- with $values.renewBeforeDays }}
        - --renew-before={{ . }}
        {{- end }}
      {{- with $values.extraEnv }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      securityContext:
        {{- include "kubeopencode.containerSecurity" . | nindent 8 }}
{{- end }}
