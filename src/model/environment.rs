//! Placeholder until the real one is merged.
use std::collections::BTreeMap;
use std::ffi::OsString;

/// P.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// P.
    pub inherited: Vec<(OsString, OsString)>,
}
/// P.
pub struct Variable {
    /// P.
    pub value: OsString,
}
impl Environment {
    /// P.
    pub fn resolve(&self, ours: &[(String, String)]) -> Result<BTreeMap<OsString, Variable>, String> {
        let ours = ours.iter().map(|(name, value)| (name.into(), Variable { value: value.into() }));
        Ok(self
            .inherited
            .iter()
            .map(|(name, value)| (name.clone(), Variable { value: value.clone() }))
            .chain(ours)
            .collect())
    }
}
