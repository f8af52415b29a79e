//! Manifests, as kubernetes-validate reads them by the schemas of the API, kubectl as a kustomization, and `PyYAML`.

use super::support::{Exported, export_all, has, proc_export, say, tried};
use super::yaml::{arbitrary_apps, documents, has_pyyaml, unescaped};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// How many runs of the validator there are at once: it takes its time.
const AT_ONCE: usize = 2;

fn validator(files: &[PathBuf]) -> Command {
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export/validate.py"));
    command.args(["--strict", "--quiet"]).args(files).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn assert_valid(files: &[PathBuf]) {
    let part = files.len().div_ceil(AT_ONCE).max(1);
    let runs: Vec<Child> = files.chunks(part).map(|files| validator(files).spawn().unwrap()).collect();
    let outputs: Vec<Output> = runs.into_iter().map(|run| run.wait_with_output().unwrap()).collect();
    for output in outputs {
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        assert!(output.status.success(), "{}", said.concat());
    }
}

/// The objects of an export. A kustomization is none of the API.
fn objects(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| !path.ends_with("kustomization.yaml")).collect();
    files.sort();
    files
}

/// Exports an app of these files, and gives the directory and what was said.
fn export(root: &Path, files: &[(&str, &str)], arguments: &[&str]) -> (PathBuf, String) {
    for (name, text) in files {
        fs::write(root.join(name), text).unwrap();
    }
    let directory = root.join("out");
    let root = root.to_str().unwrap();
    let mut words = vec!["kubernetes", directory.to_str().unwrap(), "-a", "app", "-d", root];
    if !arguments.contains(&"--image") {
        words.extend(["--image", "r/a:1"]);
    }
    let output = proc_export(&[&words[..], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    (directory, said)
}

fn read(directory: &Path, file: &str) -> String {
    fs::read_to_string(directory.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn every_object_of_every_app_is_one_of_the_api_and_every_app_a_kustomization() {
    if !has("kubernetes-validate", "kubernetes") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let exported = export_all("kubernetes", scratch.path(), &["--image", "r/a:1"]);
    let files: Vec<PathBuf> = exported.apps.iter().flat_map(|(_, directory)| objects(directory)).collect();
    assert_valid(&files);
    tried("kubernetes-validate --strict", &exported);
    say(&format!("kubernetes-validate --strict: {} objects", files.len()));
    assert!(exported.apps.len() >= 2);
    if has("kubectl", "kubernetes") {
        assert_kustomizations(&exported, scratch.path());
    }
}

/// Has kubectl put the objects of each app together.
fn assert_kustomizations(exported: &Exported, scratch: &Path) {
    let mut built = Vec::new();
    for (app, directory) in &exported.apps {
        let output = Command::new("kubectl").arg("kustomize").arg(directory).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {said}", app.procfile.display());
        let path = scratch.join(format!("{}.yaml", app.name));
        fs::write(&path, output.stdout).unwrap();
        built.push(path);
    }
    tried("kubectl kustomize", exported);
    // The objects themselves are validated elsewhere, all of them; this is about what kustomize makes of them.
    let (examples, corpus) = built.split_at(2);
    let some: Vec<PathBuf> = examples.iter().chain(corpus.iter().step_by(10)).cloned().collect();
    assert_valid(&some);
    say(&format!("kubernetes-validate --strict: {} kustomizations", some.len()));
}

#[test]
fn a_field_that_the_api_does_not_know_is_found_by_its_schemas() {
    if !has("kubernetes-validate", "kubernetes") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let toml = "[process.web]\nreadiness = { http = \"/\" }\n";
    let (directory, _) = export(scratch.path(), &[("Procfile", "web: a\n"), ("proc.toml", toml)], &[]);
    let file = directory.join("web-deployment.yaml");
    assert_valid(std::slice::from_ref(&file));
    let text = read(&directory, "web-deployment.yaml").replace("readinessProbe", "readinesProbe");
    fs::write(&file, text).unwrap();
    let output = validator(&[file]).output().unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("readinesProbe")
            || String::from_utf8_lossy(&output.stderr).contains("readinesProbe")
    );
}

#[test]
fn commands_and_values_are_read_back_as_they_were() {
    if !has_pyyaml("kubernetes") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let apps = arbitrary_apps("kubernetes", scratch.path());
    let configs = documents(apps.iter().map(|app| app.directory.join("config.yaml")));
    say(&format!("PyYAML: {} arbitrary apps for kubernetes read back", apps.len()));
    for (app, config) in apps.iter().zip(configs) {
        let pods = app
            .commands
            .keys()
            .map(|name| app.directory.join(format!("{}-deployment.yaml", name.to_lowercase())));
        for (words, deployment) in app.commands.values().zip(documents(pods)) {
            let container = &deployment["spec"]["template"]["spec"]["containers"][0];
            assert_eq!(unescaped(&container["args"], expanded), *words, "{}", app.directory.display());
        }
        for (variable, value) in &app.variables {
            let secret = || documents(std::iter::once(app.directory.join("secret.yaml"))).remove(0);
            let read = config["data"][variable].clone();
            let read = if read.is_null() { secret()["stringData"][variable].clone() } else { read };
            assert_eq!(read, serde_json::Value::from(value.as_str()), "{variable}");
        }
    }
}

/// What the kubelet makes of a text, for a container without variables: `$$` is `$`, `$(A)` would stay.
fn expanded(text: &str) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        assert!(!after.starts_with('('), "a variable in {text}");
        expanded.push_str(before);
        expanded.push('$');
        rest = after.strip_prefix('$').unwrap_or(after);
    }
    expanded + rest
}

const SHOP: &str = r#"
[process.redis]
readiness = { exec = "redis-cli -p $(cat port) ping" }
[process.release]
depends_on = { redis = "healthy", seed = "completed_successfully" }
[process.seed]
restart = "on-failure"
max_restarts = 2
[process.migrate]
working_dir = "sub"
env = { ONLY_HERE = "1" }
[process.web]
readiness = { http = "/up", interval = "1500ms", start_period = "5s" }
liveness = { tcp = 9000, start_period = "10s", start_interval = "3s" }
stop_signal = "INT"
stop_grace_period = "8s"
env = { API_KEY = "own", A = "$(B)" }
[process.worker]
depends_on = ["redis"]
restart = "on-failure"
stop_command = "bye"
[process.mail]
profiles = ["dev"]
"#;

fn shop(root: &Path, arguments: &[&str]) -> (PathBuf, String) {
    let procfile = "web: a $PORT\nworker: b\nredis: redis-server $PORT\nmail: f\nrelease: g\nmigrate: h $X\nseed: i; j\n";
    fs::create_dir_all(root.join("sub")).unwrap();
    let files = [("Procfile", procfile), ("proc.toml", SHOP), (".env", "DB_PASSWORD=x1\nGREETING=hello\n")];
    export(root, &files, arguments)
}

#[test]
fn what_an_app_says_of_itself_is_said_of_its_pods() {
    let scratch = tempfile::tempdir().unwrap();
    let (directory, said) = shop(scratch.path(), &["--ingress", "shop.example.com"]);
    let web = read(&directory, "web-deployment.yaml");
    for expected in [
        "  replicas: 1\n",
        "      maxUnavailable: 0\n",
        "        - exec a $PORT\n",
        "        - name: A\n          value: $$(B)\n",
        "            name: app-config\n        - secretRef:\n            name: app-secret\n        - secretRef:\n            name: app-web-secret\n",
        "        readinessProbe:\n          failureThreshold: 3\n          httpGet:\n            path: /up\n            port: 5000\n          periodSeconds: 2\n          timeoutSeconds: 1\n",
        // 10 s in which nothing counts, and three failures after that, 10 s apart.
        "        startupProbe:\n          failureThreshold: 14\n          periodSeconds: 3\n          tcpSocket:\n            port: 9000\n",
        "            sleep:\n              seconds: 5\n",
        "      terminationGracePeriodSeconds: 13\n",
        "        runAsNonRoot: true\n",
        "      shareProcessNamespace: true\n",
    ] {
        assert!(web.contains(expected), "{expected}\n is not in\n{web}");
    }
    let seed = read(&directory, "seed-job.yaml");
    assert!(seed.contains("  backoffLimit: 2\n") && !seed.contains("shareProcessNamespace"), "{seed}");
    let redis = read(&directory, "redis-service.yaml");
    assert!(redis.contains("  - port: 5200\n    targetPort: 5200\n"), "{redis}");
    assert!(
        read(&directory, "redis-deployment.yaml").contains("- exec redis-cli -p $$(cat port) ping")
            || read(&directory, "redis-deployment.yaml").contains("- redis-cli -p $$(cat port) ping")
    );
    assert!(read(&directory, "ingress.yaml").contains("host: shop.example.com"));
    for expected in [
        "web: stop_signal: Kubernetes sends what the image says",
        "web: readiness.interval: 1.5s is 2s there",
        "web: readiness.start_period: it is asked every `interval` from the start on",
        "worker: restart: a Deployment starts whatever ends again",
        "worker: depends_on: pods do not wait for each other",
        "worker: stop_command: the stop signal follows it in any case",
        "mail: profiles: it belongs to the profile dev",
        "migrate: one-off: it runs when somebody asks for it, which no object says; kubectl exec -it deploy/app-web -- /bin/sh -c 'cd ./sub && exec h $X'",
        "migrate: env: it has the variables of web there, and not its own: ONLY_HERE",
        "worker: max_restarts: there is no end to the restarts there",
        "release: release: nothing waits for it",
        "kubectl rollout status deploy/app-redis",
        "kubectl wait --for=condition=complete --timeout=15m job/app-seed-",
        "    # also after a failure: look with kubectl get job/app-release-",
    ] {
        assert!(said.contains(expected), "{expected}\n is not in\n{said}");
    }
}

#[test]
fn secrets_have_keys_only_and_are_not_applied_with_the_rest() {
    let scratch = tempfile::tempdir().unwrap();
    let (directory, said) = shop(scratch.path(), &[]);
    assert!(read(&directory, "secret.example.yaml").contains("  DB_PASSWORD: \"\"\n"));
    assert!(read(&directory, "web-secret.example.yaml").contains("  API_KEY: \"\"\n"));
    let (file, out) = ("secret.yaml", directory.display());
    assert!(said.contains(&format!("cp -n {out}/secret.example.yaml {out}/{file}    # and")), "{said}");
    assert!(said.contains(&format!("kubectl apply -f {out}/{file}\n")), "{said}");
    assert!(!read(&directory, "kustomization.yaml").contains("secret"));
    for file in objects(&directory) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("x1") && !text.contains("own"), "{}", file.display());
    }
    fs::write(directory.join(file), "filled in").unwrap();
    shop(scratch.path(), &["--force"]);
    assert_eq!(read(&directory, file), "filled in");
    let (directory, _) = shop(scratch.path(), &["--include-secret-values", "--force"]);
    assert!(read(&directory, "secret.yaml").contains("  DB_PASSWORD: x1\n"));
    assert!(read(&directory, "kustomization.yaml").contains("- secret.yaml\n- web-secret.yaml\n"));
}

#[test]
fn what_nobody_has_a_value_for_is_asked_for_also_where_the_others_have_theirs() {
    let scratch = tempfile::tempdir().unwrap();
    let files = [("Procfile", "web: a\n"), (".env", "API_KEY=x1\n"), (".env.example", "API_KEY=\nTOKEN=\n")];
    let (directory, said) = export(scratch.path(), &files, &["--include-secret-values"]);
    assert!(!read(&directory, "secret.yaml").contains("TOKEN"));
    assert!(read(&directory, "secret-missing.example.yaml").contains("  TOKEN: \"\"\n"));
    assert!(!read(&directory, "kustomization.yaml").contains("missing"));
    assert!(read(&directory, "web-deployment.yaml").contains("            name: app-secret-missing\n"));
    assert!(said.contains("/secret-missing.yaml    # and fill in the copy"), "{said}");
}

#[test]
fn a_large_object_is_applied_by_the_server() {
    let scratch = tempfile::tempdir().unwrap();
    let large = format!("A={}", "x".repeat(100_000));
    let (directory, said) = export(scratch.path(), &[("Procfile", "web: a\n")], &["-E", &large]);
    assert!(said.contains(&format!("kubectl apply --server-side -k {}", directory.display())), "{said}");
}

#[test]
fn a_range_is_an_autoscaler_that_says_how_many_there_are() {
    let scratch = tempfile::tempdir().unwrap();
    let arguments =
        ["-m", "web=2..10", "--namespace", "apps", "--ingress", "a.example.com", "--user", "1000"];
    let (directory, said) = shop(scratch.path(), &arguments);
    if has("kubernetes-validate", "kubernetes") {
        assert_valid(&objects(&directory));
    }
    assert!(!read(&directory, "web-deployment.yaml").contains("replicas"));
    assert!(read(&directory, "web-deployment.yaml").contains("cpu: 100m"));
    let autoscaler = read(&directory, "web-hpa.yaml");
    assert!(autoscaler.contains("maxReplicas: 10") && autoscaler.contains("minReplicas: 2"), "{autoscaler}");
    assert!(read(&directory, "web-pdb.yaml").contains("maxUnavailable: 1"));
    assert!(said.contains("web: formation: what it is scaled by is a guess"), "{said}");
}

#[test]
fn another_release_is_another_job() {
    let name = |image: &str| {
        let scratch = tempfile::tempdir().unwrap();
        let (directory, _) =
            export(scratch.path(), &[("Procfile", "web: a\nrelease: b\n")], &["--image", image]);
        let job = read(&directory, "release-job.yaml");
        job.lines().find(|line| line.starts_with("  name: app-release-")).unwrap().to_owned()
    };
    assert_eq!(name("r/a:1"), name("r/a:1"));
    assert_ne!(name("r/a:1"), name("r/a:2"));
}

#[test]
fn what_kubernetes_cannot_be_told_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let refused = |procfile: &str, arguments: &[&str], reason: &str| {
        fs::write(scratch.path().join("Procfile"), procfile).unwrap();
        let words = ["kubernetes", "--dry-run", "-a", "app", "-d", scratch.path().to_str().unwrap()];
        let output = proc_export(&[&words[..], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(reason), "{said}");
    };
    let image = ["--image", "r/a:1"];
    refused("web: a\n", &[], "--image: Kubernetes runs images, and makes none");
    refused("a_b: a\na-b: b\n", &image, "Kubernetes has one name, a-b, for it and a_b");
    refused("Web: a\nweb: b\n", &image, "Kubernetes has one name, web, for it and Web");
    refused("_: a\n", &image, "Kubernetes has no name for it");
    refused(&format!("{}: a\n", "a".repeat(60)), &image, "is too long for a name in Kubernetes");
    refused("web: a\n", &[&image[..], &["--user", "root"]].concat(), "by their numbers only");
    refused("worker: a\n", &[&image[..], &["--ingress", "a.b"]].concat(), "none that listens");
    let large = format!("A={}", "x".repeat(100_000));
    let many: Vec<String> = (0..11).map(|index| format!("A{index}{large}")).collect();
    let many: Vec<&str> = many.iter().flat_map(|each| ["-E", each]).collect();
    refused("web: a\n", &[&image[..], &many].concat(), "no more than 1 MiB can be in it");
}
