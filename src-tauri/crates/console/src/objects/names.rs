//! Each name once: a catalogue has a million columns, and most of them are called `id` or `created_at`.

use std::hash::{BuildHasher as _, RandomState};

/// Names a text of [`Names`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct NameId(pub(crate) u32);

/// Texts, one behind the other, each followed by a zero byte: no name of PostgreSQL holds one, so that a search over the
/// whole never finds a text that is half of one name and half of the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    text: String,
    /// Where each begins.
    starts: Vec<u32>,
    /// Those that are written otherwise in lower case, so.
    folded: Vec<(NameId, Box<str>)>,
}

impl Names {
    pub(crate) fn get(&self, id: NameId) -> &str {
        let at = id.0 as usize;
        let start = self.starts[at] as usize;
        let end = self.starts.get(at + 1).map_or(self.text.len(), |next| *next as usize);
        &self.text[start..end - 1]
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let folded: usize = self.folded.iter().map(|(_, name)| size_of::<(NameId, Box<str>)>() + name.len()).sum();
        self.text.capacity() + self.starts.capacity() * size_of::<u32>() + folded
    }

    /// How well each name matches `term`, which is in lower case; see [`Match`].
    pub(crate) fn matches(&self, term: &str) -> Vec<Match> {
        let mut found = vec![Match::None; self.len()];
        if term.is_empty() {
            return vec![Match::Inside; self.len()];
        }
        let mut at = 0;
        for (place, _) in self.text.match_indices(term) {
            // Places rise, and so do names: a gallop finds the name without looking at each in between.
            at += self.starts[at..].partition_point(|start| *start as usize <= place) - 1;
            let id = NameId(u32::try_from(at).unwrap_or(u32::MAX));
            let name = self.get(id);
            found[at] = found[at].max(Match::at(name, place - self.starts[at] as usize, term.len()));
        }
        for (id, name) in &self.folded {
            let best = name.match_indices(term).map(|(place, _)| Match::at(name, place, term.len())).max();
            let slot = &mut found[id.0 as usize];
            *slot = (*slot).max(best.unwrap_or(Match::None));
        }
        found
    }
}

/// How well a name matches a text, worst first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Match {
    None,
    /// Somewhere.
    Inside,
    /// Where a word of it begins: `id` in `order_id`.
    Word,
    /// Where it begins.
    Start,
    /// All of it.
    Whole,
}

impl Match {
    fn at(name: &str, place: usize, length: usize) -> Self {
        match place {
            0 if length == name.len() => Self::Whole,
            0 => Self::Start,
            _ if !name.as_bytes()[place - 1].is_ascii_alphanumeric() && name.as_bytes()[place - 1] < 0x80 => Self::Word,
            _ => Self::Inside,
        }
    }

    /// Of one name; `term` is in lower case.
    pub(crate) fn of(name: &str, term: &str) -> Self {
        if term.is_empty() {
            return Self::Inside;
        }
        let folded;
        let name = if name.chars().any(char::is_uppercase) {
            folded = name.to_lowercase();
            &folded
        } else {
            name
        };
        name.match_indices(term).map(|(place, _)| Self::at(name, place, term.len())).max().unwrap_or(Self::None)
    }
}

/// Gives each text a number while a catalogue is read.
#[derive(Debug, Default)]
pub(crate) struct NamesBuilder {
    names: Names,
    hasher: RandomState,
    /// Open addressing: a number of a name plus one, or zero. Its size is a power of two.
    slots: Vec<u32>,
}

impl NamesBuilder {
    pub(crate) fn add(&mut self, name: &str) -> NameId {
        if (self.names.len() + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let slot = self.slot(name);
        if let Some(known) = self.slots[slot].checked_sub(1) {
            return NameId(known);
        }
        let id = u32::try_from(self.names.len()).unwrap_or(u32::MAX - 1);
        // Four gigabytes of names: no catalogue has them, and what is beyond would be another name's, never a panic.
        self.names.starts.push(u32::try_from(self.names.text.len()).unwrap_or(u32::MAX));
        self.names.text.push_str(name);
        self.names.text.push('\0');
        let lower = if name.chars().any(char::is_uppercase) { Some(name.to_lowercase()) } else { None };
        self.names.folded.extend(lower.map(|lower| (NameId(id), lower.into_boxed_str())));
        self.slots[slot] = id + 1;
        NameId(id)
    }

    pub(crate) fn get(&self, id: NameId) -> &str {
        self.names.get(id)
    }

    pub(crate) fn finish(mut self) -> Names {
        self.names.text.shrink_to_fit();
        self.names.starts.shrink_to_fit();
        self.names
    }

    /// Where a name is, or would be.
    fn slot(&self, name: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = usize::try_from(self.hasher.hash_one(name) & mask as u64).unwrap_or(0);
        while let Some(known) = self.slots[at].checked_sub(1) {
            if self.names.get(NameId(known)) == name {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        self.slots = vec![0; (self.slots.len() * 2).max(1024)];
        for id in 0..self.names.len() {
            let id = u32::try_from(id).unwrap_or(u32::MAX - 1);
            let slot = self.slot(self.names.get(NameId(id)));
            self.slots[slot] = id + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once_and_found_in_any_case() {
        let mut builder = NamesBuilder::default();
        let names: Vec<_> = (0..5_000).map(|n| builder.add(&format!("column_{n}"))).collect();
        assert_eq!(builder.add("column_17"), names[17]);
        let mixed = builder.add("OrderId");
        let korean = builder.add("주문_번호");
        let names = builder.finish();
        assert_eq!((names.get(mixed), names.get(korean), names.len()), ("OrderId", "주문_번호", 5_002));
        let found = names.matches("order");
        assert_eq!(found[mixed.0 as usize], Match::Start);
        assert_eq!(names.matches("번호")[korean.0 as usize], Match::Word);
        assert_eq!(names.matches("column_4999").iter().filter(|found| **found == Match::Whole).count(), 1);
    }

    #[test]
    fn the_better_of_two_places_counts() {
        assert_eq!(Match::of("paid_id", "id"), Match::Word);
        assert_eq!(Match::of("identity", "id"), Match::Start);
        assert_eq!(Match::of("paid", "id"), Match::Inside);
        assert_eq!(Match::of("ID", "id"), Match::Whole);
        assert_eq!(Match::of("name", "id"), Match::None);
    }
}
