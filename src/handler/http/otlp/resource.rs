//! What a program can find out about itself and its machine without asking the network: attributes of OpenTelemetry's
//! resource.
//!
//! The names are those of the [semantic conventions](https://opentelemetry.io/docs/specs/semconv/resource/).

use std::hash::{BuildHasher, RandomState};

use crate::formatter::origin::host;
use crate::text::hex;

/// What the machine tells: files, and variables of the environment.
pub(super) struct Machine<'a> {
    pub(super) file: &'a dyn Fn(&str) -> Option<String>,
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
}

/// Returns the attributes of this process.
pub(super) fn detect() -> Vec<(String, String)> {
    let mut found = vec![("service.instance.id".to_owned(), random_uuid())];
    found.extend(of_process());
    let machine = Machine {
        file: &|path| std::fs::read_to_string(path).ok(),
        variable: &|name| std::env::var(name).ok().filter(|value| !value.is_empty()),
    };
    found.extend(of_machine(&machine));
    found
}

fn owned(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// The program, and the system that it was built for. The command's arguments are left out: they may be secret.
fn of_process() -> Vec<(String, String)> {
    let mut found = vec![
        owned("host.name", host()),
        owned("host.arch", architecture(std::env::consts::ARCH)),
        owned("os.type", if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS }),
        owned("process.pid", std::process::id().to_string()),
    ];
    if let Ok(path) = std::env::current_exe() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.push(owned("process.executable.name", name));
        found.push(owned("process.executable.path", path.to_string_lossy()));
    }
    found
}

/// Returns the convention's name of a processor that Rust names otherwise.
fn architecture(rust: &str) -> &str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// The machine, the container and the pod.
pub(super) fn of_machine(machine: &Machine<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let file = |path: &str| (machine.file)(path).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let mut add = |name: &str, value: Option<String>| found.extend(value.map(|value| owned(name, value)));
    add("host.id", file("/etc/machine-id").or_else(|| file("/var/lib/dbus/machine-id")));
    let container = file("/proc/self/cgroup").and_then(|text| of_cgroup(&text));
    add("container.id", container.or_else(|| of_mounts(&file("/proc/self/mountinfo")?)));
    // Kubernetes has no names of its own for what the downward API passes on: these are the usual ones.
    if (machine.variable)("KUBERNETES_SERVICE_HOST").is_some() {
        let first = |names: &[&str]| names.iter().find_map(|name| (machine.variable)(name));
        let namespace = file("/var/run/secrets/kubernetes.io/serviceaccount/namespace");
        add("k8s.cluster.name", first(&["K8S_CLUSTER_NAME", "CLUSTER_NAME"]));
        add("k8s.node.name", first(&["K8S_NODE_NAME", "NODE_NAME"]));
        add("k8s.namespace.name", first(&["K8S_NAMESPACE_NAME", "K8S_NAMESPACE", "POD_NAMESPACE"]).or(namespace));
        // A pod's host name is its own name, unless it shares the node's network.
        add("k8s.pod.name", first(&["K8S_POD_NAME", "POD_NAME", "HOSTNAME"]));
        add("k8s.pod.uid", first(&["K8S_POD_UID", "POD_UID"]));
        add("k8s.container.name", first(&["K8S_CONTAINER_NAME", "CONTAINER_NAME"]));
    }
    found
}

/// Finds the container's id in `/proc/self/cgroup` of version 1, where it ends a path:
/// `9:cpu:/docker/<id>` or `1:name=systemd:/system.slice/docker-<id>.scope`.
fn of_cgroup(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let last = line.rsplit('/').next()?;
        let last = last.strip_suffix(".scope").unwrap_or(last);
        id(last.rsplit(['-', ':']).next()?)
    })
}

/// Finds the container's id in `/proc/self/mountinfo`, which has it in version 2: in the path of the file that the
/// engine mounts as `/etc/hostname`, `…/containers/<id>/hostname`. Kubernetes' sandboxes have an id of their own there,
/// which is none of a container.
fn of_mounts(text: &str) -> Option<String> {
    let mounted = |line: &str| line.split(' ').nth(4) == Some("/etc/hostname");
    text.lines().filter(|line| mounted(line)).find_map(|line| {
        let path = line.split(' ').nth(3)?;
        let (_, rest) = path.rsplit_once("containers/")?;
        id(rest.split('/').next()?)
    })
}

fn id(text: &str) -> Option<String> {
    (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_owned())
}

/// Makes a random UUID: RFC 9562, section 5.4 (version 4).
///
/// std takes the keys of its hash tables from the system's random numbers, once for each thread. The process's id makes
/// two children of one `fork` differ.
fn random_uuid() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    let bits = u128::from(half()) << 64 | u128::from(half());
    uuid(bits)
}

/// Makes a UUID of random bits.
fn uuid(bits: u128) -> String {
    let bits = bits & !(0xF << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62;
    let digits = hex(&bits.to_be_bytes());
    let mut text = String::with_capacity(36);
    for (at, digit) in digits.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "aec22ca0f4ba2b0f3e9f5a1c7d3b6e8f90123456789abcdef0123456789abcde";

    #[test]
    fn ids_of_containers() {
        let rows = [
            (format!("12:memory:/docker/{ID}"), true),
            (format!("0::/\n1:name=systemd:/system.slice/docker-{ID}.scope\n"), true),
            (format!("1:cpu:/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope"), true),
            (format!("1:cpu:/kubepods/besteffort/pod1/{ID}"), true),
            ("0::/".to_owned(), false),
            ("0::/user.slice/user-1000.slice/session-2.scope".to_owned(), false),
        ];
        for (text, is_one) in rows {
            assert_eq!(of_cgroup(&text).as_deref(), is_one.then_some(ID), "{text}");
        }
        let line = |path: &str, at: &str| format!("1 2 0:3 {path} {at} rw - ext4 /dev/sda rw\n");
        let docker = format!("/var/lib/docker/containers/{ID}/hostname");
        let podman = format!("/containers/storage/overlay-containers/{ID}/userdata/hostname");
        let sandbox = format!("/io.containerd.grpc.v1.cri/sandboxes/{ID}/hostname");
        for (text, is_one) in [
            (line("/", "/") + &line(&docker, "/etc/hostname"), true),
            (line(&podman, "/etc/hostname"), true),
            (line(&sandbox, "/etc/hostname"), false),
            (line(&docker, "/etc/hosts"), false),
        ] {
            assert_eq!(of_mounts(&text).as_deref(), is_one.then_some(ID), "{text}");
        }
    }

    fn machine(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Vec<String> {
        let find = |table: &[(&str, &str)], name: &str| {
            table.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let machine = Machine { file: &|path| find(files, path), variable: &|name| find(variables, name) };
        of_machine(&machine).into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn a_pod_of_kubernetes() {
        let files = [
            ("/etc/machine-id", "0123\n"),
            ("/proc/self/cgroup", "0::/\n"),
            ("/var/run/secrets/kubernetes.io/serviceaccount/namespace", "shop"),
        ];
        let variables =
            [("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("HOSTNAME", "web-1"), ("POD_UID", "u"), ("NODE_NAME", "n")];
        let expected =
            ["host.id=0123", "k8s.node.name=n", "k8s.namespace.name=shop", "k8s.pod.name=web-1", "k8s.pod.uid=u"];
        assert_eq!(machine(&files, &variables), expected);
        assert_eq!(machine(&files[..1], &variables[1..]), ["host.id=0123"]);
    }

    #[test]
    fn uuids() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_ne!(random_uuid(), random_uuid());
    }

    #[test]
    fn this_process() {
        let found = detect();
        let get = |name: &str| found.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        assert_eq!(get("process.pid"), Some(std::process::id().to_string()));
        assert!(get("host.name").is_some_and(|name| !name.is_empty()));
        assert_eq!(get("service.instance.id").map(|id| id.len()), Some(36));
    }
}
