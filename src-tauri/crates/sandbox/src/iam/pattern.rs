//! Wildcards of policy documents: `*` for any run of characters, `?` for exactly one.

/// Three-valued answer of a test: a policy may use what this evaluator does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    Yes,
    No,
    /// Cannot be told; the statement around it decides in favour of refusing.
    Unknown,
}

impl Match {
    /// Both must hold: a plain no wins over not knowing.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Either is enough: a plain yes wins over not knowing.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::No, Self::No) => Self::No,
        }
    }

    pub(crate) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Match {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// Whether all of `text` fits `pattern`, letter case included.
///
/// Runs in time proportional to both lengths at worst: on a mismatch only the latest `*` is tried again.
pub(crate) fn wildcard(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(&expected) if expected == '?' || expected == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star, from)) = retry else { return false };
                retry = Some((star, from + 1));
                p = star + 1;
                t = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|&rest| rest == '*')
}

/// `ArnLike`: each of the six colon-separated parts must fit its counterpart, so that a `*` in one part does not reach
/// into the next.
pub(crate) fn arn_like(pattern: &str, arn: &str) -> bool {
    let pattern: Vec<&str> = pattern.splitn(6, ':').collect();
    let arn: Vec<&str> = arn.splitn(6, ':').collect();
    pattern.len() == 6 && arn.len() == 6 && pattern.iter().zip(&arn).all(|(pattern, part)| wildcard(pattern, part))
}

/// Whether a value holds a policy variable such as `${aws:username}`, which this evaluator does not fill in.
pub(crate) fn has_variable(text: &str) -> bool {
    text.contains("${")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_and_a_question_mark_for_one_character() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "x", false),
            ("?", "", false),
            ("redshift-serverless:Get*", "redshift-serverless:GetCredentials", true),
            ("redshift-serverless:Get*", "redshift-serverless:ListWorkgroups", false),
            ("arn:aws:iam::111111111111:role/*-reader", "arn:aws:iam::111111111111:role/bi-reader", true),
            ("arn:aws:iam::111111111111:role/*-reader", "arn:aws:iam::111111111111:role/bi-reader-2", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a?c", "abc", true),
            ("a?c", "abbc", false),
            ("dev", "DEV", false),
            ("물류-*", "물류-prod", true),
        ] {
            assert_eq!(wildcard(pattern, text), fits, "{pattern} against {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_exponential_time() {
        let pattern = "*a".repeat(200);
        assert!(!wildcard(&pattern, &"a".repeat(199)));
        assert!(!wildcard(&format!("{pattern}b"), &"a".repeat(2_000)));
    }

    #[test]
    fn arn_like_keeps_each_part_to_itself() {
        let arn = "arn:aws:iam::111111111111:role/data/etl-writer";
        assert!(arn_like("arn:aws:iam::111111111111:role/*", arn));
        assert!(arn_like("arn:*:iam::*:role/data/etl-*", arn));
        assert!(!arn_like("arn:aws:iam::*", arn));
        assert!(!arn_like("*", arn));
    }

    #[test]
    fn not_knowing_yields_to_a_plain_answer() {
        assert_eq!(Match::Unknown.and(Match::No), Match::No);
        assert_eq!(Match::Unknown.and(Match::Yes), Match::Unknown);
        assert_eq!(Match::Unknown.or(Match::Yes), Match::Yes);
        assert_eq!(Match::Unknown.not(), Match::Unknown);
    }
}
