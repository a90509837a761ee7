{{- define "chancery.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "chancery.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: node
{{- end -}}

{{- define "chancery.databaseSelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: postgresql
{{- end -}}

{{- define "chancery.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
{{- end -}}

{{- define "chancery.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "chancery.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "chancery.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* Where the database is: the environment of a node. */}}
{{- define "chancery.database" -}}
{{- if .Values.database.urlSecret -}}
- name: CHANCERY_DATABASE
  valueFrom:
    secretKeyRef: {name: {{ .Values.database.urlSecret | quote }}, key: {{ .Values.database.urlKey | quote }}}
{{- else if .Values.database.url -}}
- name: CHANCERY_DATABASE
  value: {{ .Values.database.url | quote }}
{{- with .Values.database.existingSecret }}
- name: PGPASSWORD
  valueFrom:
    secretKeyRef: {name: {{ . | quote }}, key: {{ $.Values.database.passwordKey | quote }}}
{{- end }}
{{- else if .Values.postgresql.enabled -}}
- name: CHANCERY_DATABASE
  value: postgres://chancery@{{ include "chancery.fullname" . }}-postgresql/chancery
- name: PGPASSWORD
  valueFrom:
    secretKeyRef: {name: {{ required "postgresql.existingSecret: name a Secret with the password of the database that is made" .Values.postgresql.existingSecret | quote }}, key: {{ .Values.postgresql.passwordKey | quote }}}
{{- else -}}
{{- fail "database.url or database.urlSecret: name a PostgreSQL database, or set postgresql.enabled to try things out" -}}
{{- end -}}
{{- end -}}

{{/* The containers' own security settings, none of which they need to be without. */}}
{{- define "chancery.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
