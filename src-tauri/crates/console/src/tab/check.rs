//! What is to be known of a run before it begins: which values it needs, and which of its statements are worth a question.

use std::sync::Arc;

use super::{Connector, RunRequest, Tab};
use crate::split::guard::{Danger, danger};
use crate::split::parameters::placeholders;
use crate::split::{Strings, Utf16Offsets};

/// A look at a run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Check {
    /// Names that need a value, in order of appearance.
    pub parameters: Vec<String>,
    /// Statements that change or remove more than may be meant, in order.
    pub dangers: Vec<Dangerous>,
}

/// A statement that is worth a question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dangerous {
    /// What it would do.
    pub danger: Danger,
    /// UTF-16 offset of its first character in the text.
    pub from: u32,
    /// Behind its last.
    pub to: u32,
}

impl<C: Connector> Tab<C> {
    /// Looks at what a request would run.
    pub fn check(&self, request: &RunRequest) -> Check {
        let strings = self.shared.state().strings;
        request.check(strings)
    }
}

impl RunRequest {
    /// What a cursor or a selection of this text would run.
    pub fn new(text: impl Into<Arc<str>>, from: u32, to: u32) -> Self {
        Self { text: text.into(), from, to, all: false, explain: false, parameters: Vec::new() }
    }

    /// Every statement of this text.
    pub fn all(text: impl Into<Arc<str>>) -> Self {
        Self { all: true, ..Self::new(text, 0, 0) }
    }

    fn check(&self, strings: Strings) -> Check {
        let mut check = Check::default();
        let mut offsets = Utf16Offsets::new(&self.text);
        for range in self.statements(strings) {
            let statement = &self.text[range.clone()];
            for found in placeholders(statement, strings) {
                if !check.parameters.contains(&found.name) {
                    check.parameters.push(found.name);
                }
            }
            if let Some(danger) = danger(statement, strings) {
                check.dangers.push(Dangerous { danger, from: offsets.of(range.start), to: offsets.of(range.end) });
            }
        }
        check
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_dangers_are_those_of_the_statements_that_would_run() {
        let text = "select '한글', :b, :a, :b; delete from t; update t set a = :c where id = 1; drop table t";
        let all = RunRequest::all(text).check(Strings::Standard);
        assert_eq!(all.parameters, ["b", "a", "c"]);
        let units: Vec<u16> = text.encode_utf16().collect();
        let shown = |found: &Dangerous| String::from_utf16_lossy(&units[found.from as usize..found.to as usize]);
        let found: Vec<_> = all.dangers.iter().map(|found| (found.danger, shown(found))).collect();
        assert_eq!(found, [(Danger::DeleteAll, "delete from t".into()), (Danger::DropTable, "drop table t".into())]);
        let one = RunRequest::new(text, 0, 0).check(Strings::Standard);
        assert_eq!((one.parameters.len(), one.dangers.len()), (2, 0));
    }
}
