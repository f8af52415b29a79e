//! kubernetes.

use super::{App, Brief, Draft};

/// Writes an app.
pub(super) fn write(app: &App, brief: &Brief, draft: &mut Draft) {
    let _ = (app, brief);
    draft.refuse(None, "kubernetes", "not there yet", None);
}
