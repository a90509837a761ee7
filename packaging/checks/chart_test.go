// Package checks renders what is to run Chancery and looks at the result, with the
// libraries of those who read it: Helm's and Kubernetes' for the chart, Compose's for
// the compose files.
package checks

import (
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	goyaml "go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

const chartDir = "../helm/chancery"

// Installations that the chart is rendered for, and the Secrets that each has.
var installations = map[string]struct {
	values  string
	secrets map[string][]string // by name, the keys
}{
	"a database with a password": {`
keyring: {existingSecret: chancery-keyring}
database: {url: "postgres://chancery@db.example.com/chancery?sslmode=verify-full", existingSecret: chancery-database}
`, map[string][]string{"chancery-keyring": {"keyring.key"}, "chancery-database": {"password"}}},
	"the whole URL in a secret": {`
keyring: {existingSecret: k, key: kek}
database: {urlSecret: db, urlKey: dsn}
replicaCount: 1
`, map[string][]string{"k": {"kek"}, "db": {"dsn"}}},
	"to try out": {`
keyring: {existingSecret: chancery-keyring}
postgresql: {enabled: true, existingSecret: pg, storageClassName: fast}
`, map[string][]string{"chancery-keyring": {"keyring.key"}, "pg": {"password"}}},
	"everything": {`
replicaCount: 5
image: {repository: registry.example.com/chancery, tag: "1.2.3"}
imagePullSecrets: [{name: registry}]
settings:
  pki-url: http://pki.example.com
  dcv-resolver: [192.0.2.53, 198.51.100.53]
  dcv-http-port: 8080
  rates: "off"
extraEnv: [{name: HTTPS_PROXY, value: "http://proxy.example.com:3128"}]
extraVolumes: [{name: bundle, configMap: {name: bundle}}]
extraVolumeMounts: [{name: bundle, mountPath: /etc/bundle}]
keyring: {existingSecret: chancery-keyring}
database: {url: "postgres://chancery@db.example.com/chancery", existingSecret: chancery-database}
migrate: {url: "postgres://owner@db.example.com/chancery", existingSecret: owner}
tls: {existingSecret: chancery-tls}
trustedProxies: [10.0.0.0/8]
consoleURL: https://certificates.example.com
notices:
  allow: [10.0.0.0/8]
  smtp: {url: "smtps://chancery@mail.example.com:465", from: chancery@example.com, existingSecret: mail, passwordKey: smtp}
service: {type: LoadBalancer, port: 443, annotations: {a: b}}
ingress: {enabled: true, className: nginx, hosts: [cas.example.com], tls: [{secretName: cas-tls, hosts: [cas.example.com]}]}
serviceMonitor: {enabled: true, labels: {release: prometheus}}
networkPolicy:
  enabled: true
  apiFrom: [{namespaceSelector: {}}]
  extraEgress: [{ports: [{port: 6432}]}]
podAnnotations: {a: b}
podLabels: {team: pki}
nodeSelector: {disk: ssd}
tolerations: [{key: k, operator: Exists}]
topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]
priorityClassName: high
`, map[string][]string{"chancery-keyring": {"keyring.key"}, "chancery-database": {"password"}, "owner": {"password"}, "chancery-tls": {"tls.crt", "tls.key"}, "mail": {"smtp"}}},
}

func load(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func values(t *testing.T, text string) map[string]any {
	t.Helper()
	parsed, err := chartutil.ReadValues([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// render gives the files of the chart as they are sent to Kubernetes.
func render(t *testing.T, text string) (map[string]string, error) {
	t.Helper()
	c := load(t)
	options := chartutil.ReleaseOptions{Name: "pki", Namespace: "prod", IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values(t, text), options, nil)
	if err != nil {
		return nil, err
	}
	return engine.Engine{Strict: true}.Render(c, all)
}

func TestLint(t *testing.T) {
	for name, installation := range installations {
		t.Run(name, func(t *testing.T) {
			for _, message := range lint.AllWithKubeVersion(chartDir, values(t, installation.values), "prod", nil).Messages {
				if !strings.Contains(message.Error(), "icon is recommended") {
					t.Error(message)
				}
			}
		})
	}
}

func TestManifests(t *testing.T) {
	settings := knownSettings(t)
	for name, installation := range installations {
		t.Run(name, func(t *testing.T) {
			files, err := render(t, installation.values)
			if err != nil {
				t.Fatal(err)
			}
			m := parse(t, files)
			for _, template := range m.templates() {
				m.checkPod(t, template, installation.secrets)
			}
			m.checkServices(t)
			checkSettings(t, m, settings)
		})
	}
}

// manifests are the objects of one installation.
type manifests struct {
	objects    []runtime.Object
	services   map[string]*corev1.Service
	configMaps map[string]*corev1.ConfigMap
}

// parse reads every document strictly: a field that Kubernetes does not have is an error.
func parse(t *testing.T, files map[string]string) *manifests {
	t.Helper()
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	m := &manifests{services: map[string]*corev1.Service{}, configMaps: map[string]*corev1.ConfigMap{}}
	named := map[string]bool{}
	for file, text := range files {
		if strings.HasSuffix(file, "NOTES.txt") {
			if !strings.Contains(text, "kubectl --namespace prod rollout status deployment/pki-chancery") {
				t.Errorf("the notes do not say how to go on:\n%s", text)
			}
			continue
		}
		documents := goyaml.NewDecoder(strings.NewReader(text))
		for {
			var document map[string]any
			if err := documents.Decode(&document); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v\n%s", file, err, text)
			}
			if document == nil {
				continue
			}
			metadata, _ := document["metadata"].(map[string]any)
			id := fmt.Sprint(document["apiVersion"], " ", document["kind"], " ", metadata["name"])
			if document["apiVersion"] == nil || document["kind"] == nil || metadata["name"] == nil || named[id] {
				t.Errorf("%s: %q is not complete, or there twice", file, id)
			}
			named[id] = true
			if document["kind"] == "ServiceMonitor" { // not one of Kubernetes' own
				continue
			}
			text, err := yaml.Marshal(document)
			if err != nil {
				t.Fatal(err)
			}
			object, _, err := decoder.Decode(text, nil, nil)
			if err != nil {
				t.Errorf("%s: %v\n%s", file, err, text)
				continue
			}
			m.add(object)
		}
	}
	return m
}

func (m *manifests) add(object runtime.Object) {
	m.objects = append(m.objects, object)
	switch o := object.(type) {
	case *corev1.Service:
		m.services[o.Name] = o
	case *corev1.ConfigMap:
		m.configMaps[o.Name] = o
	}
}

// templates are those of all pods.
func (m *manifests) templates() (templates []corev1.PodTemplateSpec) {
	for _, object := range m.objects {
		switch o := object.(type) {
		case *appsv1.Deployment:
			templates = append(templates, o.Spec.Template)
		case *appsv1.StatefulSet:
			template := o.Spec.Template
			for _, claim := range o.Spec.VolumeClaimTemplates {
				template.Spec.Volumes = append(template.Spec.Volumes, corev1.Volume{Name: claim.Name})
			}
			templates = append(templates, template)
		}
	}
	return templates
}

func (m *manifests) checkPod(t *testing.T, template corev1.PodTemplateSpec, secrets map[string][]string) {
	t.Helper()
	spec := template.Spec
	if s := spec.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil || *s.RunAsUser == 0 || s.SeccompProfile == nil {
		t.Error("the pod may run as root")
	}
	if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
		t.Error("the pod gets a token that it does not need")
	}
	secret := func(what, name, key string) {
		t.Helper()
		if keys, known := secrets[name]; !known || key != "" && !slices.Contains(keys, key) {
			t.Errorf("%s: there is no secret %q with %q", what, name, key)
		}
	}
	volumes := map[string]bool{}
	for _, volume := range spec.Volumes {
		volumes[volume.Name] = true
		if s := volume.Secret; s != nil {
			secret("volume "+volume.Name, s.SecretName, "")
			for _, item := range s.Items {
				secret("volume "+volume.Name, s.SecretName, item.Key)
			}
		}
		if c := volume.ConfigMap; c != nil && m.configMaps[c.Name] == nil && c.Name != "bundle" {
			t.Errorf("volume %s: there is no ConfigMap %q", volume.Name, c.Name)
		}
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		if c.Image == "" || strings.HasSuffix(c.Image, ":") {
			t.Errorf("%s has the image %q", c.Name, c.Image)
		}
		if s := c.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
			s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") {
			t.Errorf("%s is not hardened", c.Name)
		}
		for _, mount := range c.VolumeMounts {
			if !volumes[mount.Name] {
				t.Errorf("%s mounts %q, which is not there", c.Name, mount.Name)
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				secret(c.Name+" "+e.Name, e.ValueFrom.SecretKeyRef.Name, e.ValueFrom.SecretKeyRef.Key)
			}
		}
		for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
			if probe != nil && probe.HTTPGet != nil && !hasPort(c, probe.HTTPGet.Port) || probe != nil && probe.TCPSocket != nil && !hasPort(c, probe.TCPSocket.Port) {
				t.Errorf("%s: a probe asks a port that it does not have", c.Name)
			}
		}
	}
}

func hasPort(c corev1.Container, port intstr.IntOrString) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
		return p.Name == port.String() || fmt.Sprint(p.ContainerPort) == port.String()
	})
}

// checkServices finds the pods of every selector, and the service of every ingress.
func (m *manifests) checkServices(t *testing.T) {
	t.Helper()
	selects := func(what string, selector map[string]string) (found corev1.PodTemplateSpec) {
		t.Helper()
		count := 0
		for _, template := range m.templates() {
			if labels.SelectorFromSet(selector).Matches(labels.Set(template.Labels)) {
				found, count = template, count+1
			}
		}
		if count != 1 {
			t.Errorf("%s selects %d kinds of pods", what, count)
		}
		return found
	}
	for name, service := range m.services {
		template := selects("service "+name, service.Spec.Selector)
		for _, port := range service.Spec.Ports {
			if len(template.Spec.Containers) > 0 && !hasPort(template.Spec.Containers[0], port.TargetPort) {
				t.Errorf("service %s leads to port %s, which is not there", name, port.TargetPort.String())
			}
		}
	}
	for _, object := range m.objects {
		switch o := object.(type) {
		case *appsv1.Deployment:
			selects("the deployment", o.Spec.Selector.MatchLabels)
		case *appsv1.StatefulSet:
			selects("the stateful set", o.Spec.Selector.MatchLabels)
			if m.services[o.Spec.ServiceName] == nil {
				t.Errorf("the stateful set has no service %q", o.Spec.ServiceName)
			}
		case *policyv1.PodDisruptionBudget:
			selects("the disruption budget", o.Spec.Selector.MatchLabels)
		case *networkingv1.NetworkPolicy:
			selects("the network policy", o.Spec.PodSelector.MatchLabels)
		case *networkingv1.Ingress:
			for _, rule := range o.Spec.Rules {
				for _, path := range rule.HTTP.Paths {
					to := m.services[path.Backend.Service.Name]
					if to == nil || !slices.ContainsFunc(to.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == path.Backend.Service.Port.Name }) {
						t.Errorf("the ingress leads to %v, which is not there", path.Backend.Service)
					}
				}
			}
		}
	}
}

// smtpPassword is a variable that has no flag beside it, since others could read that.
const smtpPassword = "CHANCERY_SMTP_PASSWORD"

// checkSettings compares what nodes are told with what `chancery serve` knows.
func checkSettings(t *testing.T, m *manifests, known map[string]string) {
	t.Helper()
	for setting := range m.settings(t) {
		if _, is := known[setting]; !is {
			t.Errorf("there is no setting %q", setting)
		}
	}
	variables := append(slices.Collect(maps.Values(known)), smtpPassword)
	for _, template := range m.templates() {
		for _, c := range slices.Concat(template.Spec.InitContainers, template.Spec.Containers) {
			for _, e := range c.Env {
				if strings.HasPrefix(e.Name, "CHANCERY_") && !slices.Contains(variables, e.Name) {
					t.Errorf("there is no setting %s", e.Name)
				}
			}
		}
	}
}

// settings are those of the nodes.
func (m *manifests) settings(t *testing.T) (settings map[string]any) {
	t.Helper()
	config := m.configMaps["pki-chancery"]
	if config == nil {
		t.Fatal("there are no settings")
	}
	if err := goyaml.Unmarshal([]byte(config.Data["chancery.yaml"]), &settings); err != nil {
		t.Fatal(err)
	}
	return settings
}

// knownSettings reads the page that is made of the flags of `chancery serve`.
func knownSettings(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\| `([A-Z_]+)` \\|").FindAllSubmatch(page, -1) {
		settings[string(row[1])] = string(row[2])
	}
	if len(settings) < 20 {
		t.Fatalf("the page has only %d settings", len(settings))
	}
	return settings
}

// What was left out, or cannot be, is told before anything is installed.
func TestWrongValues(t *testing.T) {
	const key = "keyring: {existingSecret: k}\n"
	const database = "database: {urlSecret: db}\n"
	for _, c := range []struct{ values, want string }{
		{database, "keyring.existingSecret: name the Secret"},
		{key, "database.url or database.urlSecret: name a PostgreSQL database"},
		{key + "postgresql: {enabled: true}", "postgresql.existingSecret: name a Secret"},
		{key + database + "ingress: {enabled: true}", "ingress.hosts: name at least one"},
		{key + database + "stopDelaySeconds: 40", "terminationGracePeriodSeconds"},
		{key + database + "settings: {listen: 0.0.0.0:80}", "invalid propertyName 'listen'"},
		{key + database + "settings: {database: x}", "invalid propertyName 'database'"},
		{key + database + "replicas: 3", "replicas"},
		{key + database + "replicaCount: 0", "replicaCount"},
		{key + database + "settings: {smtp-url: x}", "invalid propertyName 'smtp-url'"},
		{key + database + "notices: {smtp: {url: 'smtps://mail.example.com'}}", "notices.smtp.from: name the address"},
		{key + database + "notices: {smtp: {url: mail.example.com}}", "notices.smtp.url"},
		{key + database + "consoleURL: certificates.example.com", "consoleURL"},
		{key + "database: {url: db.example.com}", "database.url"},
	} {
		_, err := render(t, c.values)
		// The schema's errors have slashes between names.
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "/", "."), c.want) {
			t.Errorf("%q: %v; want %q", c.values, err, c.want)
		}
	}
}

// A rollout replaces nodes when their settings change, and never has fewer ready than
// are wanted.
func TestRollout(t *testing.T) {
	deployment := func(more string) *appsv1.Deployment {
		files, err := render(t, installations["a database with a password"].values+more)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range parse(t, files).objects {
			if d, is := object.(*appsv1.Deployment); is {
				return d
			}
		}
		t.Fatal("there is no deployment")
		return nil
	}
	before, after := deployment(""), deployment("settings: {log-level: debug}\n")
	if maps.Equal(before.Spec.Template.Annotations, after.Spec.Template.Annotations) {
		t.Error("nodes are not replaced when their settings change")
	}
	if r := before.Spec.Strategy.RollingUpdate; r == nil || r.MaxUnavailable.String() != "0" {
		t.Errorf("the strategy is %v", before.Spec.Strategy)
	}
}
