//! The `OpenAPI` document under `docs/` is that of the routes.

#![cfg(feature = "api")]

use std::path::Path;

/// What to do when it is not so.
const REMEDY: &str = "run `PROC_BLESS=1 cargo test --test openapi` and commit the result";

#[test]
#[expect(clippy::disallowed_methods, reason = "a file of the repository, no FIFO")]
fn the_committed_document_is_that_of_the_routes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let document = proc_start::api::document();
    if std::env::var_os("PROC_BLESS").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let committed = std::fs::read_to_string(path).expect(REMEDY);
    assert!(committed == document, "docs/openapi.json is out of date; {REMEDY}");
    assert!(document.starts_with("{\n  \"openapi\": \"3.1.0\""), "{document}");
}
