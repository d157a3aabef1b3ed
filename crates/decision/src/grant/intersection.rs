//! The intersection of two path patterns, as a bounded list of patterns.
//!
//! A caller that shows a key and a token may do what both allow, and an IAM policy cannot say "and".

use super::matches;

/// Steps before giving up; real patterns with one or two stars need a few dozen.
const STEPS: usize = 20_000;
/// Patterns of one intersection.
const RESULTS: usize = 32;

/// Patterns that together match exactly the paths that both `a` and `b` match.
pub(super) fn of_paths(a: &str, b: &str) -> Option<Vec<String>> {
    if matches(b.as_bytes(), a.as_bytes()) {
        return Some(vec![a.to_owned()]);
    }
    if matches(a.as_bytes(), b.as_bytes()) {
        return Some(vec![b.to_owned()]);
    }
    let mut search = Search { found: Vec::new(), steps: 0 };
    search.walk(a.as_bytes(), b.as_bytes(), String::new())?;
    Some(search.without_covered())
}

struct Search {
    found: Vec<String>,
    steps: usize,
}

impl Search {
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

    fn without_covered(self) -> Vec<String> {
        let mut found = self.found;
        found.sort_unstable();
        let all = found.clone();
        found.retain(|pattern| {
            !all.iter().any(|other| other != pattern && matches(other.as_bytes(), pattern.as_bytes()))
        });
        found
    }
}
