//! API keys: their form, and the hash under which they are looked up.
//!
//! ```text
//! csk_ 3mVq0Xn1sT7bYd9GhJ2kLp  4fZ0aQ
//!      22 or more base62       checksum: the first 32 bits of SHA-256 over all before it, base62
//! ```
//!
//! Scanners recognise the prefix, and a mistyped key is told from an unknown one without a look-up.
//! Imported keys keep their own form. The raw key is hashed here and goes no further.

use aws_lc_rs::digest;

use crate::decision::Refusal;
use crate::limits;

const PREFIX: &str = "csk_";
const SECRET: usize = 22;
const CHECKSUM: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// SHA-256 of a raw key. It opens nothing, but it names a key, so it is not printed either.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Hashes a raw key after checking its form.
    pub fn of_raw(raw: &str) -> Result<Self, Refusal> {
        let printable = raw.bytes().all(|byte| byte.is_ascii_graphic());
        if !limits::API_KEY.contains(&raw.len()) || !printable || !checksum_holds(raw) {
            return Err(Refusal::KeyMalformed);
        }
        Ok(Self(sha256(raw.as_bytes())))
    }

    /// Reads `Edge-Key`: 64 lower-case hexadecimal digits.
    pub fn from_hex(hex: &str) -> Result<Self, Refusal> {
        let mut bytes = [0; 32];
        if hex.len() != 64 {
            return Err(Refusal::EdgeKeyMalformed);
        }
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let [high, low] = pair else { return Err(Refusal::EdgeKeyMalformed) };
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Ok(Self(bytes))
    }

    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub fn to_hex(&self) -> String {
        self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|n| char::from_digit(n.into(), 16)).collect()
    }
}

fn nibble(digit: u8) -> Result<u8, Refusal> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(Refusal::EdgeKeyMalformed),
    }
}

fn checksum_holds(raw: &str) -> bool {
    let Some(rest) = raw.strip_prefix(PREFIX) else { return true };
    let Some((secret, checksum)) = rest.len().checked_sub(CHECKSUM).and_then(|at| rest.split_at_checked(at)) else {
        return false;
    };
    let base62 = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let written = raw.len().checked_sub(CHECKSUM).and_then(|end| raw.get(..end)).map(checksum_of);
    secret.len() >= SECRET && base62(secret) && written.as_deref() == Some(checksum)
}

/// The checksum of a key without it: `csk_` and its secret part.
pub fn checksum_of(key: &str) -> String {
    let [a, b, c, d, ..] = sha256(key.as_bytes());
    let mut value = u32::from_be_bytes([a, b, c, d]);
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.get((value % 62) as usize).copied().unwrap_or(b'0');
        value /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()) {
        *to = *from;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(secret: &str) -> String {
        let key = format!("csk_{secret}");
        let checksum = checksum_of(&key);
        key + &checksum
    }

    #[test]
    fn a_made_key_is_read_and_any_changed_letter_is_not() {
        let key = made("3mVq0Xn1sT7bYd9GhJ2kLp");
        assert_eq!(key.len(), 32);
        assert!(KeyHash::of_raw(&key).is_ok());
        for i in 4..key.len() {
            let mut bytes = key.clone().into_bytes();
            bytes[i] = if bytes[i] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(KeyHash::of_raw(&changed).is_err(), "{changed}");
        }
    }

    #[test]
    fn the_checksum_is_fixed_for_ever() {
        assert_eq!(made("3mVq0Xn1sT7bYd9GhJ2kLp"), "csk_3mVq0Xn1sT7bYd9GhJ2kLp2sHGAz");
    }

    #[test]
    fn forms_that_are_refused() {
        for raw in
            ["", "short", "csk_", "csk_abc", &made("tooshort"), "with space inside", "nul\0nul\0nul", &"a".repeat(257)]
        {
            assert!(KeyHash::of_raw(raw).err() == Some(Refusal::KeyMalformed), "{raw:?}");
        }
        assert!(KeyHash::of_raw("an-imported-key-of-any-form").is_ok());
    }

    #[test]
    fn hex_goes_both_ways_and_is_lower_case() {
        let hash = KeyHash::of_raw("an-imported-key").unwrap_or_else(|_| unreachable!());
        assert!(KeyHash::from_hex(&hash.to_hex()).is_ok_and(|read| read == hash));
        assert!(KeyHash::from_hex(&hash.to_hex().to_uppercase()).is_err());
        assert!(KeyHash::from_hex("00").is_err());
        assert!(KeyHash::from_hex(&"g".repeat(64)).is_err());
    }
}
