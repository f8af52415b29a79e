//! The JSON schema under `docs/` is that of the structs that a `proc.toml` is read into.

use std::path::Path;

/// What to do when it is not so.
const REMEDY: &str = "run `cargo run -- config --schema > docs/proc.schema.json` and commit the result";

#[test]
#[expect(clippy::disallowed_methods, reason = "a file of the repository, no FIFO")]
fn the_committed_schema_is_that_of_this_version() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/proc.schema.json");
    let committed = std::fs::read_to_string(path).expect(REMEDY);
    assert!(
        committed == proc_start::model::config::schema(),
        "docs/proc.schema.json is out of date; {REMEDY}"
    );
    let printed =
        assert_cmd::Command::cargo_bin("proc").unwrap().args(["config", "--schema"]).assert().success();
    assert_eq!(printed.get_output().stdout, committed.as_bytes());
}
