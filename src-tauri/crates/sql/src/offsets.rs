//! UTF-16 offsets of the editor to byte offsets of Rust and back.
//!
//! An offset behind the end is the end, and one inside a character is the character's start: an editor and its backend
//! may disagree for a moment, and that is no reason to fail.

/// Byte offset of a UTF-16 offset.
pub fn utf16_to_byte(text: &str, utf16: u32) -> usize {
    let mut units = 0;
    for (offset, character) in text.char_indices() {
        units += character.len_utf16() as u64;
        if units > u64::from(utf16) {
            return offset;
        }
    }
    text.len()
}

/// UTF-16 offset of a byte offset.
pub fn byte_to_utf16(text: &str, offset: usize) -> u32 {
    Utf16Offsets::new(text).of(offset)
}

/// UTF-16 offsets of many byte offsets in rising order, in one walk over the text.
#[derive(Debug)]
pub struct Utf16Offsets<'a> {
    text: &'a str,
    byte: usize,
    utf16: u32,
}

impl<'a> Utf16Offsets<'a> {
    /// At the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, byte: 0, utf16: 0 }
    }

    /// UTF-16 offset of `offset`. One before the last asked for walks from the start again.
    pub fn of(&mut self, offset: usize) -> u32 {
        let offset = self.text.floor_char_boundary(offset);
        if offset < self.byte {
            *self = Self::new(self.text);
        }
        let units: usize = self.text[self.byte..offset].chars().map(char::len_utf16).sum();
        // An editor that counts in 32 bits cannot hold a longer text.
        self.utf16 = self.utf16.saturating_add(u32::try_from(units).unwrap_or(u32::MAX));
        self.byte = offset;
        self.utf16
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_outside_the_first_plane_count_two() {
        let text = "a한🐘b";
        assert_eq!([0, 1, 4, 8, 9].map(|byte| byte_to_utf16(text, byte)), [0, 1, 2, 4, 5]);
        assert_eq!([0, 1, 2, 3, 4, 5, 99].map(|utf16| utf16_to_byte(text, utf16)), [0, 1, 4, 4, 8, 9, 9]);
        assert_eq!(byte_to_utf16(text, 3), 1);
    }

    proptest! {
        #[test]
        fn both_ways_lead_back(text in any::<String>(), at in any::<prop::sample::Index>()) {
            let (byte, _) = text.char_indices().chain([(text.len(), ' ')]).nth(at.index(text.chars().count() + 1)).unwrap_or_default();
            prop_assert_eq!(utf16_to_byte(&text, byte_to_utf16(&text, byte)), byte);
            let units: Vec<u16> = text[..byte].encode_utf16().collect();
            prop_assert_eq!(byte_to_utf16(&text, byte) as usize, units.len());
        }
    }
}
