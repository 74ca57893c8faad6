{{/* What is done where a policy is broken, or nothing where there is no such policy: (list $ VALUE). */}}
{{- define "kubeopencode.policy" -}}
{{- $values := (index . 0).Values }}
{{- $isMade := $values.policies.enabled }}
{{- if kindIs "invalid" $isMade }}
{{- $isMade = empty $values.watchNamespaces }}
{{- end }}
{{- $action := get $values.policies (index . 1) }}
{{- if and $isMade (ne $action "None") }}
{{- $action }}
{{- end }}
{{- end }}

{{/* What puts a policy into force, in the namespaces that are watched: (list $ POLICY ACTION). */}}
{{- define "kubeopencode.policyBinding" -}}
{{- $root := index . 0 }}
{{- $name := index . 1 }}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name }}
  labels:
    {{- include "kubeopencode.labels" (list $root "") | nindent 4 }}
  {{- include "kubeopencode.annotations" (list $root) | nindent 2 }}
spec:
  policyName: {{ $name }}
  validationActions: [{{ eq (index . 2) "Deny" | ternary "Deny" "Warn, Audit" }}]
  {{- with $root.Values.watchNamespaces }}
  matchResources:
    namespaceSelector:
      matchExpressions:
        - key: kubernetes.io/metadata.name
          operator: In
          values:
            {{- toYaml . | nindent 12 }}
  {{- end }}
{{- end }}
