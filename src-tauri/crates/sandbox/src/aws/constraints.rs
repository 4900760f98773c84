//! Checks of request members, with the sentence AWS's service framework puts together from what it finds.

use std::fmt::Display;

/// Complaints about one request.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    complaints: Vec<String>,
}

impl Constraints {
    /// A member that must be given.
    pub(crate) fn required<T>(&mut self, member: &str, value: Option<&T>) {
        if value.is_none() {
            self.complaints
                .push(format!("Value null at '{member}' failed to satisfy constraint: Member must not be null"));
        }
    }

    /// Length in characters.
    pub(crate) fn length(&mut self, member: &str, value: Option<&str>, least: usize, most: usize) {
        let Some(value) = value else { return };
        let length = value.chars().count();
        if length < least {
            self.complain(member, value, &format!("have length greater than or equal to {least}"));
        } else if length > most {
            self.complain(member, value, &format!("have length less than or equal to {most}"));
        }
    }

    /// Every character must be allowed; `pattern` is how the service's model writes that.
    pub(crate) fn characters(
        &mut self,
        member: &str,
        value: Option<&str>,
        pattern: &str,
        allowed: impl Fn(char) -> bool,
    ) {
        let Some(value) = value else { return };
        if !value.chars().all(allowed) {
            self.complain(member, value, &format!("satisfy regular expression pattern: {pattern}"));
        }
    }

    /// A number between two others, both included.
    pub(crate) fn range(&mut self, member: &str, value: Option<i64>, least: i64, most: i64) {
        let Some(value) = value else { return };
        if value < least {
            self.complain(member, value, &format!("have value greater than or equal to {least}"));
        } else if value > most {
            self.complain(member, value, &format!("have value less than or equal to {most}"));
        }
    }

    /// All complaints in one sentence, or none.
    pub(crate) fn finish(self) -> Result<(), String> {
        let count = self.complaints.len();
        match count {
            0 => Ok(()),
            1 => Err(format!("1 validation error detected: {}", self.complaints[0])),
            _ => Err(format!("{count} validation errors detected: {}", self.complaints.join("; "))),
        }
    }

    fn complain(&mut self, member: &str, value: impl Display, must: &str) {
        self.complaints.push(format!("Value '{value}' at '{member}' failed to satisfy constraint: Member must {must}"));
    }
}

/// `[\w+=,.@-]`, which most names of IAM are made of.
pub(crate) fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_counted_and_joined_as_aws_does() {
        let mut one = Constraints::default();
        one.range("durationSeconds", Some(899), 900, 43_200);
        assert_eq!(
            one.finish().unwrap_err(),
            "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must \
             have value greater than or equal to 900"
        );

        let mut two = Constraints::default();
        two.required::<String>("roleArn", None);
        two.characters("roleSessionName", Some("a b"), "[\\w+=,.@-]*", is_name_character);
        assert_eq!(
            two.finish().unwrap_err(),
            "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be \
             null; Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: [\\w+=,.@-]*"
        );
    }

    #[test]
    fn limits_are_included_and_absent_members_pass() {
        let mut fine = Constraints::default();
        fine.length("roleSessionName", Some("ab"), 2, 64);
        fine.length("externalId", None, 2, 1224);
        fine.range("durationSeconds", Some(900), 900, 43_200);
        fine.range("durationSeconds", Some(43_200), 900, 43_200);
        assert_eq!(fine.finish(), Ok(()));
    }
}
