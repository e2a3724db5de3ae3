{{/* What stands in several manifests. */}}

{{- define "dossier.name" -}}
{{- if contains "dossier" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-dossier" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* Labels of one part: a list of the root and the part's name. */}}
{{- define "dossier.selector" -}}
app.kubernetes.io/name: dossier
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "dossier.labels" -}}
{{ include "dossier.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "dossier-%s" (index . 0).Chart.Version }}
{{- end }}

{{- define "dossier.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "dossier.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "dossier.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Where pods run, and with what. The cluster's variables for services are left out: for a release
called dossier they would be DOSSIER_API_PORT and its like, which are no keys of the configuration. */}}
{{- define "dossier.placement" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Pods of one part on different machines, where that is possible: a list of the root and the part. */}}
{{- define "dossier.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{ include "dossier.selector" . | nindent 8 }}
{{- end }}

{{/* The configuration of a part as variables: the files of its secrets. */}}
{{- define "dossier.secretEnv" -}}
- name: DOSSIER_API__TOKEN_FILE
  value: /run/secrets/dossier/token
{{- if .Values.secrets.s3Secret.name }}
- name: DOSSIER_DOCUMENTS__S3__SECRET_ACCESS_KEY_FILE
  value: /run/secrets/dossier/s3-secret
{{- end }}
{{- if .Values.secrets.clientSecret.name }}
- name: DOSSIER_WORKER__UPSTREAM_AUTH__CLIENT_SECRET_FILE
  value: /run/secrets/dossier/client-secret
{{- end }}
{{- end }}

{{/* One secret as a file: a list of the secret and the file's name. */}}
{{- define "dossier.secretFile" -}}
- secret:
    name: {{ (index . 0).name }}
    items:
      - key: {{ (index . 0).key }}
        path: {{ index . 1 }}
{{- end }}

{{/* Secrets that both parts read. */}}
{{- define "dossier.secretFiles" -}}
{{ include "dossier.secretFile" (list .Values.secrets.token "token") }}
{{- if .Values.secrets.s3Secret.name }}
{{ include "dossier.secretFile" (list .Values.secrets.s3Secret "s3-secret") }}
{{- end }}
{{- if .Values.secrets.clientSecret.name }}
{{ include "dossier.secretFile" (list .Values.secrets.clientSecret "client-secret") }}
{{- end }}
{{- end }}
