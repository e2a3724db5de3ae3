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

{{/* Whether an authority is named. */}}
{{- define "dossier.isNamed" -}}
{{ .secret }}{{ .configMap }}
{{- end }}

{{/* One file as a variable: a list of the key's name and the file's. */}}
{{- define "dossier.fileEnv" -}}
- name: DOSSIER_{{ index . 0 }}
  value: /run/secrets/dossier/{{ index . 1 }}
{{- end }}

{{/* The database as variables: for the API and the migration, and nobody else. */}}
{{- define "dossier.storeEnv" -}}
{{ include "dossier.fileEnv" (list "STORE__URL_FILE" "store-url") }}
{{- if .Values.secrets.storeListenUrl.name }}
{{ include "dossier.fileEnv" (list "STORE__LISTEN_URL_FILE" "store-listen-url") }}
{{- end }}
{{- if include "dossier.isNamed" .Values.authorities.store }}
{{ include "dossier.fileEnv" (list "STORE__CA_FILE" "store-ca.pem") }}
{{- end }}
{{- end }}

{{/* The files that API and workers read, as variables. */}}
{{- define "dossier.sharedEnv" -}}
{{ include "dossier.fileEnv" (list "API__TOKEN_FILE" "token") }}
{{- if .Values.secrets.s3Secret.name }}
{{ include "dossier.fileEnv" (list "DOCUMENTS__S3__SECRET_ACCESS_KEY_FILE" "s3-secret") }}
{{- end }}
{{- if .Values.secrets.clientSecret.name }}
{{ include "dossier.fileEnv" (list "WORKER__UPSTREAM_AUTH__CLIENT_SECRET_FILE" "client-secret") }}
{{- end }}
{{- if include "dossier.isNamed" .Values.authorities.documents }}
{{- if eq .Values.documents.kind "s3" }}
{{ include "dossier.fileEnv" (list "DOCUMENTS__S3__CA_FILE" "documents-ca.pem") }}
{{- else }}
{{ include "dossier.fileEnv" (list "DOCUMENTS__DOCUMENT_API__CA_FILE" "documents-ca.pem") }}
{{- end }}
{{- end }}
{{- if include "dossier.isNamed" .Values.authorities.services }}
{{ include "dossier.fileEnv" (list "WORKER__CA_FILE" "services-ca.pem") }}
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

{{/* One authority as a file, if it is named: a list of the authority and the file's name. */}}
{{- define "dossier.authorityFile" -}}
{{- $authority := index . 0 }}
{{- if include "dossier.isNamed" $authority }}
- {{ if $authority.secret }}secret{{ else }}configMap{{ end }}:
    name: {{ $authority.secret | default $authority.configMap }}
    items:
      - key: {{ $authority.key }}
        path: {{ index . 1 }}
{{- end }}
{{- end }}

{{/* The database's files: for the API and the migration, and nobody else. */}}
{{- define "dossier.storeFiles" -}}
{{ include "dossier.secretFile" (list .Values.secrets.storeUrl "store-url") }}
{{- if .Values.secrets.storeListenUrl.name }}
{{ include "dossier.secretFile" (list .Values.secrets.storeListenUrl "store-listen-url") }}
{{- end }}
{{- with .Values.secrets.storeCertificate }}
{{- if .name }}
- secret:
    name: {{ .name }}
    items:
      - key: {{ .certificate }}
        path: store-client.crt
      - key: {{ .key }}
        path: store-client.key
{{- end }}
{{- end }}
{{- include "dossier.authorityFile" (list .Values.authorities.store "store-ca.pem") }}
{{- end }}

{{/* Files that API and workers read. */}}
{{- define "dossier.sharedFiles" -}}
{{ include "dossier.secretFile" (list .Values.secrets.token "token") }}
{{- if .Values.secrets.s3Secret.name }}
{{ include "dossier.secretFile" (list .Values.secrets.s3Secret "s3-secret") }}
{{- end }}
{{- if .Values.secrets.clientSecret.name }}
{{ include "dossier.secretFile" (list .Values.secrets.clientSecret "client-secret") }}
{{- end }}
{{- include "dossier.authorityFile" (list .Values.authorities.documents "documents-ca.pem") }}
{{- include "dossier.authorityFile" (list .Values.authorities.services "services-ca.pem") }}
{{- end }}

{{/* How a worker is asked whether it is live: from outside if it listens there, else from within. */}}
{{- define "dossier.workerProbe" -}}
{{- if .Values.metrics.enabled -}}
httpGet: { path: /health/liveness, port: metrics }
{{- else -}}
exec: { command: [/usr/local/bin/dossier, health] }
{{- end -}}
{{- end -}}
