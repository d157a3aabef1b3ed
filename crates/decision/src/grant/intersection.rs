//! The intersection of two path patterns, as a bounded list of patterns.
//!
//! A caller that shows a key and a token may do what both allow, and an IAM policy cannot say "and".

use super::matches;

/// Steps of one search before giving up, for all its pairs together; a pair with one or two stars
/// each needs a few dozen.
const STEPS: usize = 50_000;
/// Patterns of one pair's intersection.
const RESULTS: usize = 32;

/// The search for the intersections of many pairs, with one bound on the work of all.
#[derive(Default)]
pub(super) struct Search {
    found: Vec<String>,
    steps: usize,
}

impl Search {
    /// Patterns that together match exactly the paths that both `a` and `b` match.
    pub fn paths(&mut self, a: &str, b: &str) -> Option<Vec<String>> {
        if are_disjoint(a.as_bytes(), b.as_bytes()) {
            return Some(Vec::new());
        }
        if matches(b.as_bytes(), a.as_bytes()) {
            return Some(vec![a.to_owned()]);
        }
        if matches(a.as_bytes(), b.as_bytes()) {
            return Some(vec![b.to_owned()]);
        }
        self.walk(a.as_bytes(), b.as_bytes(), String::new())?;
        Some(self.take_without_covered())
    }

    fn walk(&mut self, a: &[u8], b: &[u8], mut so_far: String) -> Option<()> {
        self.steps += 1;
        if self.steps > STEPS || self.found.len() > RESULTS {
            return None;
        }
        match (a.split_first(), b.split_first()) {
            (None, None) if self.found.contains(&so_far) => {}
            (None, None) => self.found.push(so_far),
            (Some((b'*', a_rest)), Some((b'*', b_rest))) => {
                if !so_far.ends_with('*') {
                    so_far.push('*');
                }
                self.walk(a_rest, b, so_far.clone())?;
                self.walk(a, b_rest, so_far)?;
            }
            (Some((b'*', a_rest)), Some((&literal, b_rest))) => {
                self.walk(a_rest, b, so_far.clone())?;
                so_far.push(char::from(literal));
                self.walk(a, b_rest, so_far)?;
            }
            (Some((&literal, a_rest)), Some((b'*', b_rest))) => {
                self.walk(a, b_rest, so_far.clone())?;
                so_far.push(char::from(literal));
                self.walk(a_rest, b, so_far)?;
            }
            (Some((ours, a_rest)), Some((theirs, b_rest))) if ours == theirs => {
                so_far.push(char::from(*ours));
                self.walk(a_rest, b_rest, so_far)?;
            }
            (Some((b'*', rest)), None) => self.walk(rest, b, so_far)?,
            (None, Some((b'*', rest))) => self.walk(a, rest, so_far)?,
            _ => {}
        }
        Some(())
    }

    fn take_without_covered(&mut self) -> Vec<String> {
        let mut found = std::mem::take(&mut self.found);
        found.sort_unstable();
        let all = found.clone();
        found.retain(|pattern| {
            !all.iter().any(|other| other != pattern && matches(other.as_bytes(), pattern.as_bytes()))
        });
        found
    }
}

/// Whether the texts before the first star, or behind the last one, already exclude each other. That
/// settles most pairs without a search.
fn are_disjoint(a: &[u8], b: &[u8]) -> bool {
    let head = |pattern: &[u8]| pattern.iter().position(|byte| *byte == b'*').unwrap_or(pattern.len());
    let tail = |pattern: &[u8]| pattern.iter().rev().position(|byte| *byte == b'*').unwrap_or(pattern.len());
    let differ = |(ours, theirs): (&u8, &u8)| ours != theirs;
    a.iter().zip(b).take(head(a).min(head(b))).any(differ)
        || a.iter().rev().zip(b.iter().rev()).take(tail(a).min(tail(b))).any(differ)
}
