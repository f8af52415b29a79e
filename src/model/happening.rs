//! What happens in a run, as those are told who watch it.

use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct Happening {
    /// When, as RFC 3339 has it.
    pub ts: String,
    /// What, in a word: `started`, `exited`, `healthy`.
    pub event: String,
    /// Which instance it is about; null: the whole.
    pub process: Option<String>,
    /// The same in words, as the run itself says it.
    pub text: String,
}
