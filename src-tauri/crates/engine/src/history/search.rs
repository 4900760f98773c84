//! Which entries a search shows.

use regex::{Regex, RegexBuilder};

use crate::error::Error;

/// Words of a search at most; the others would only make it slower.
const WORDS: usize = 16;

/// A search that is ready to use: every word has to be somewhere, in upper or lower case.
#[derive(Debug)]
pub(super) struct Words(Vec<Regex>);

impl Words {
    /// # Errors
    /// [`Error::InvalidValue`] for a word that is too long to search for.
    pub(super) fn new(text: &str) -> Result<Self, Error> {
        let words = text.split_whitespace().take(WORDS).map(|word| {
            RegexBuilder::new(&regex::escape(word))
                .case_insensitive(true)
                .build()
                .map_err(|error| Error::InvalidValue { field: "search".to_owned(), problem: error.to_string() })
        });
        Ok(Self(words.collect::<Result<_, _>>()?))
    }

    /// Whether each word is in one of the texts.
    pub(super) fn are_in(&self, texts: &[&str]) -> bool {
        self.0.iter().all(|word| texts.iter().any(|text| word.is_match(text)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_to_be_somewhere_in_either_case() {
        let words = Words::new("ORDERS  주문 sales").unwrap();
        assert!(words.are_in(&["select * from orders -- 주문", "sales-prod"]));
        assert!(!words.are_in(&["select * from orders -- 주문", "events"]));
        assert!(Words::new("").unwrap().are_in(&["anything"]));
    }

    #[test]
    fn what_means_something_to_a_pattern_means_itself() {
        let words = Words::new("count(*) a.b").unwrap();
        assert!(words.are_in(&["select count(*) from a.b"]));
        assert!(!words.are_in(&["select count(x) from axb"]));
    }
}
