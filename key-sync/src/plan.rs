//! What to do about the difference between the table and the edge. Pure: no calls, no clock.
//!
//! ```text
//! the edge's marks ──► Planner ──agree(name, what the table says)──► Drift, or nothing to do
//!                         └─────────rest(): what the table does not have──► to be deleted, if the guard allows
//! ```
//!
//! The table is always right. A plan is only a hint, made from reads that may be old by the time it
//! is carried out: what is written is read again first.

use std::collections::HashMap;
use std::hash::Hash;

use countersign_decision::published::Mark;

use crate::metrics::Drift;

/// What the edge shows under a name that we have not written, or not with a mark that is understood.
/// Equal to no record's.
pub const UNMARKED: Mark = Mark { version: u64::MAX, digest: 0 };

/// What the table says about a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Truth {
    /// The edge should show this.
    Mark(Mark),
    /// There is a record and it cannot be published: what the edge has stays until it is repaired.
    Invalid,
}

/// The edge's side of a comparison, from which what has been compared is taken away.
pub struct Planner<N> {
    edge: HashMap<N, Mark>,
}

impl<N: Eq + Hash> Planner<N> {
    pub const fn new(edge: HashMap<N, Mark>) -> Self {
        Self { edge }
    }

    /// How the edge departs from what the table says about a name, if it does.
    pub fn judge(&mut self, name: &N, truth: Truth) -> Option<Drift> {
        let edge = self.edge.remove(name);
        let Truth::Mark(wanted) = truth else { return None };
        match edge {
            None => Some(Drift::Missing),
            Some(shown) if shown == wanted => None,
            Some(shown) if shown.version < wanted.version => Some(Drift::Stale),
            Some(_) => Some(Drift::Different),
        }
    }

    /// What the edge has and the table was not seen to have.
    pub fn rest(self) -> HashMap<N, Mark> {
        self.edge
    }
}

/// Deletions that are a team's housekeeping, where they are at most half of the edge.
const FEW: usize = 10;
/// And however small the edge is.
const A_PAIR: usize = 2;

/// Whether so many names may go from an edge that has `edge` of them while the table has `table`. More
/// than a fifth at once, of a small edge more than stay, or the last of all, is rather a table that was lost, emptied or
/// mistaken. What stays is counted by the table, so that writing what is missing does not change the verdict.
pub const fn may_delete(deletions: usize, edge: usize, table: usize) -> bool {
    let share = edge / 5;
    let most = if share > FEW { share } else { FEW };
    table > 0 && deletions <= most && (deletions <= A_PAIR || deletions <= table)
}

/// Whether a document of so many routes may take the place of one that had `published`.
pub const fn may_replace_routes(routes: usize, published: usize) -> bool {
    published == 0 || (routes > 0 && routes * 2 >= published)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named_by_who_is_ahead() {
        let mark = |version, digest| Mark { version, digest };
        let judge = |edge: Option<Mark>, truth| {
            Planner::new(edge.map(|mark| ("name", mark)).into_iter().collect()).judge(&"name", truth)
        };
        let wanted = Truth::Mark(mark(5, 1));
        for (edge, drift) in [
            (None, Some(Drift::Missing)),
            (Some(mark(5, 1)), None),
            (Some(mark(4, 1)), Some(Drift::Stale)),
            (Some(mark(5, 2)), Some(Drift::Different)),
            (Some(mark(6, 1)), Some(Drift::Different)),
            (Some(UNMARKED), Some(Drift::Different)),
        ] {
            assert_eq!(judge(edge, wanted), drift, "{edge:?}");
            assert_eq!(judge(edge, Truth::Invalid), None, "{edge:?}");
        }
    }

    #[test]
    fn what_was_judged_is_not_left_over() {
        let mark = Mark { version: 1, digest: 1 };
        let mut planner = Planner::new(HashMap::from([("same", mark), ("invalid", mark), ("extra", mark)]));
        planner.judge(&"same", Truth::Mark(mark));
        planner.judge(&"invalid", Truth::Invalid);
        assert_eq!(planner.rest().into_keys().collect::<Vec<_>>(), ["extra"]);
    }

    #[test]
    fn the_guards_have_their_bounds() {
        for (deletions, edge, table, may) in [
            (2, 2, 1, true),
            (3, 5, 2, false),
            (3, 6, 3, true),
            (9, 10, 1, false),
            (10, 20, 10, true),
            (11, 22, 11, false),
            (1, 10, 0, false),
            (200, 1000, 800, true),
            (201, 1000, 799, false),
        ] {
            assert_eq!(may_delete(deletions, edge, table), may, "{deletions} of {edge}, table {table}");
        }
        for (routes, published, may) in [(0, 0, true), (0, 1, false), (1, 2, true), (1, 3, false), (9, 3, true)] {
            assert_eq!(may_replace_routes(routes, published), may, "{routes} for {published}");
        }
    }
}
