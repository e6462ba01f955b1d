use std::path::Path;
use std::process::Command;

/// The committed code is what the generator makes of the same version of the model. Needs the
/// Python environment of the tests (`SQUORUM_VENV`); another version of botocore proves nothing.
#[test]
fn generated_code_is_what_the_generator_makes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(environment) = std::env::var_os("SQUORUM_VENV") else {
        return;
    };
    let python = Path::new(&environment).join("bin/python");
    let version = ["-c", "import botocore; print(botocore.__version__)"];
    let Ok(version) = Command::new(&python).args(version).output() else {
        return;
    };
    let version = String::from_utf8(version.stdout).unwrap();
    let committed = std::fs::read_to_string(root.join("src/generated/shapes.rs")).unwrap();
    if version.trim().is_empty() || !committed.contains(&format!("botocore {},", version.trim())) {
        eprintln!("another version of botocore: nothing to compare");
        return;
    }
    let script = root.join("codegen/generate.py");
    let check = Command::new(python)
        .arg(script)
        .arg("--check")
        .output()
        .unwrap();
    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );
}
