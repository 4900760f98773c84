//! Console tabs.

/// Names a tab.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TabId(pub String);

/// Tabs.
#[derive(Debug, Default)]
pub(crate) struct Tabs {}

impl Tabs {
    pub(crate) fn close_all(&self) {}
}
