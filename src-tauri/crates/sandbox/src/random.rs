//! Random text for keys, tokens and passwords.

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// `length` characters of the base64 alphabet: `+` and `/` are among them on purpose, since AWS's secrets have them
/// too and clients get their quoting wrong.
pub(crate) fn base64_text(length: usize) -> String {
    spell(&bytes(length), BASE64)
}

/// `length` upper-case letters and digits, as in access key and unique ids.
pub(crate) fn base32_text(length: usize) -> String {
    base32_of(&bytes(length))
}

/// One letter or digit for each byte: the same text for the same bytes.
pub(crate) fn base32_of(bytes: &[u8]) -> String {
    spell(bytes, BASE32)
}

/// Both alphabets divide 256, so that taking the remainder favours no letter.
fn spell<const N: usize>(bytes: &[u8], alphabet: &[u8; N]) -> String {
    bytes.iter().map(|&byte| char::from(alphabet[usize::from(byte) % N])).collect()
}

fn bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the operating system's random source works on every platform supported");
    bytes
}
