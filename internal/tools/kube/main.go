// Kube checks deploy/kubernetes offline: it builds the kustomization as kubectl
// would, reads every object strictly as the type it says it is, so that an
// unknown or misspelt field is an error, and holds each pod to the restricted
// Pod Security Standard as far as it concerns hongyan.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/
package main

import (
	"fmt"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

func main() {
	var bad int
	for _, dir := range os.Args[1:] {
		kinds, faults := check(dir)
		for _, f := range faults {
			fmt.Fprintf(os.Stderr, "%s: %s\n", dir, f)
		}
		bad += len(faults)
		fmt.Printf("%s: %v\n", dir, kinds)
	}
	if bad > 0 {
		os.Exit(1)
	}
}

// check returns how many objects there are of each kind, and what is wrong with them.
func check(dir string) (kinds map[string]int, faults []string) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, []string{err.Error()}
	}
	kinds = map[string]int{}
	for _, r := range built.Resources() {
		kinds[r.GetKind()]++
		name := r.GetKind() + " " + r.GetName()
		src, err := r.AsYAML()
		if err != nil {
			return kinds, append(faults, name+": "+err.Error())
		}
		for _, what := range object(r.GetApiVersion()+" "+r.GetKind(), src) {
			faults = append(faults, name+": "+what)
		}
	}
	return kinds, faults
}

// types are the objects that a deployment of hongyan may have.
var types = map[string]func() any{
	"v1 Namespace":                           func() any { return &corev1.Namespace{} },
	"v1 ConfigMap":                           func() any { return &corev1.ConfigMap{} },
	"v1 Service":                             func() any { return &corev1.Service{} },
	"v1 ServiceAccount":                      func() any { return &corev1.ServiceAccount{} },
	"apps/v1 Deployment":                     func() any { return &appsv1.Deployment{} },
	"policy/v1 PodDisruptionBudget":          func() any { return &policyv1.PodDisruptionBudget{} },
	"networking.k8s.io/v1 NetworkPolicy":     func() any { return &networkingv1.NetworkPolicy{} },
	"autoscaling/v2 HorizontalPodAutoscaler": func() any { return &autoscalingv2.HorizontalPodAutoscaler{} },
}

func object(kind string, src []byte) []string {
	make, ok := types[kind]
	if !ok {
		return []string{"no type is known for " + kind}
	}
	into := make()
	if err := yaml.UnmarshalStrict(src, into); err != nil {
		return []string{err.Error()}
	}
	if d, ok := into.(*appsv1.Deployment); ok {
		return deployment(d)
	}
	return nil
}

// deployment holds the pods of a deployment to what the cluster may demand of
// them, and to finding their own kind.
func deployment(d *appsv1.Deployment) (faults []string) {
	pod := d.Spec.Template
	for key, value := range d.Spec.Selector.MatchLabels {
		if pod.Labels[key] != value {
			faults = append(faults, "its selector does not choose its own pods")
		}
	}
	if s := pod.Spec.SecurityContext; s == nil || !is(s.RunAsNonRoot) || s.SeccompProfile == nil {
		faults = append(faults, "a pod must say runAsNonRoot and its seccompProfile")
	}
	if pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
		faults = append(faults, "a pod must not be given a token of the cluster")
	}
	for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
		faults = append(faults, container(c)...)
	}
	return faults
}

func container(c corev1.Container) (faults []string) {
	s := c.SecurityContext
	if s == nil || !is(s.ReadOnlyRootFilesystem) || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation {
		faults = append(faults, c.Name+": needs a read-only root and no privilege escalation")
	}
	if s == nil || s.Capabilities == nil || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
		faults = append(faults, c.Name+": must drop ALL capabilities")
	}
	if c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
		faults = append(faults, c.Name+": needs a request and a limit of memory")
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil && secretName(e.Name) {
			faults = append(faults, c.Name+": "+e.Name+" must come from a Secret")
		}
	}
	return faults
}

func secretName(name string) bool {
	switch name {
	case "HONGYAN_STATE", "VAULT_TOKEN", "QQ_AUTH_CODE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY":
		return true
	}
	return false
}

func is(b *bool) bool { return b != nil && *b }
