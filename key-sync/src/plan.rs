//! What to do about the difference between the table and the edge. Pure: no calls, no clock.
//!
//! ```text
//! the edge's marks ──► Planner ──judge(name, what the table says)──► Departure, or nothing to do
//!                         └─────────rest(): what the table does not have──► to be deleted, if the guard allows
//! ```
//!
//! The table is always right. A plan is only a hint, made from reads that may be old by the time it
//! is carried out: what is written is read again first.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use countersign_decision::published::Mark;
use countersign_decision::time::Timestamp;

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

/// How the edge departs from what the table says about one name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Departure {
    pub class: Drift,
    /// The change is on its way. Only what the table has and the edge has not yet can be late: what only
    /// the edge has, or has otherwise, came from nowhere.
    pub late: bool,
}

/// A change is published within seconds, and a listing shows it up to a minute later.
const LATE: Duration = Duration::from_secs(120);

impl Departure {
    /// `version`: of the table's record. It says when that was changed where it is a moment, as it should
    /// be; any other is older than everything, or to come.
    pub fn new(class: Drift, version: u64, now: Timestamp) -> Self {
        let young = now.age_of(Timestamp::from_millis(version)) < LATE;
        Self { class, late: young && matches!(class, Drift::Missing | Drift::Stale) }
    }

    /// What the edge has and the table has not.
    pub const EXTRA: Self = Self { class: Drift::Extra, late: false };
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
    pub fn judge(&mut self, name: &N, truth: Truth, now: Timestamp) -> Option<Departure> {
        let edge = self.edge.remove(name);
        let Truth::Mark(wanted) = truth else { return None };
        let class = match edge {
            None => Drift::Missing,
            Some(shown) if shown == wanted => return None,
            Some(shown) if shown.version < wanted.version => Drift::Stale,
            Some(_) => Drift::Different,
        };
        Some(Departure::new(class, wanted.version, now))
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

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn a_difference_is_named_by_who_is_ahead() {
        let mark = |version, digest| Mark { version, digest };
        let judge = |edge: Option<Mark>, truth| {
            let mut planner = Planner::new(edge.map(|mark| ("name", mark)).into_iter().collect());
            planner.judge(&"name", truth, NOW).map(|Departure { class, late }| {
                assert!(!late, "a version that is no moment is not young");
                class
            })
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
    fn what_the_table_has_changed_just_now_is_late_and_nothing_else() {
        let version_at = |seconds_ago: i64| 1_800_000_000_000_u64.saturating_add_signed(-seconds_ago * 1000);
        for (seconds_ago, young) in
            [(0, true), (119, true), (-1, true), (120, false), (-60, false), (-1_000_000, false)]
        {
            let version = version_at(seconds_ago);
            for class in [Drift::Missing, Drift::Stale, Drift::Different, Drift::Extra] {
                let late = young && matches!(class, Drift::Missing | Drift::Stale);
                assert_eq!(Departure::new(class, version, NOW), Departure { class, late }, "{seconds_ago} s ago");
            }
        }
        // By hand at the edge, with the moment of the edit as its version.
        let edited = Mark { version: version_at(1), digest: 7 };
        let wanted = Mark { version: version_at(500), digest: 8 };
        let departure = Planner::new(HashMap::from([("name", edited)])).judge(&"name", Truth::Mark(wanted), NOW);
        assert_eq!(departure, Some(Departure { class: Drift::Different, late: false }));
    }

    #[test]
    fn what_was_judged_is_not_left_over() {
        let mark = Mark { version: 1, digest: 1 };
        let mut planner = Planner::new(HashMap::from([("same", mark), ("invalid", mark), ("extra", mark)]));
        planner.judge(&"same", Truth::Mark(mark), NOW);
        planner.judge(&"invalid", Truth::Invalid, NOW);
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
