//! What a question of a probe comes to.

/// Nothing if it succeeded.
pub type Answer = Result<(), Failure>;

/// Why a question did not succeed, in words: `GET /healthz was answered with 503`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The process failed it.
    Bad(String),
    /// We had no room to ask it (memory, processes, open files): it says nothing of the process.
    Unasked(String),
}

impl Failure {
    /// The words.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Bad(reason) | Self::Unasked(reason) => reason,
        }
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Bad(reason)
    }
}
