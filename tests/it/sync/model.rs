//! Properties of the comparison and the plan, in a world of values: no calls, any order of events.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use countersign_decision::api_key::KeyHash;
use countersign_decision::published::{self, Mark, Published};
use countersign_decision::time::Timestamp;
use countersign_key_sync::compare::{BUCKETS, Comparison, Finding, Wanted, bucket, prefixes};
use countersign_key_sync::plan::{Planner, Truth, UNMARKED, may_delete};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::hash;

const KEYS: usize = 40;

#[derive(Clone, Debug)]
enum Event {
    Change {
        key: usize,
        status: &'static str,
    },
    Remove {
        key: usize,
    },
    /// The stream hands out some changes, again or for the first time; what is true now is on its way.
    Deliver {
        from: usize,
        len: usize,
    },
    /// One of the writes that are on their way arrives, however late.
    Arrive(usize),
    /// Or never does.
    Lose(usize),
    /// Someone edits the edge by hand.
    Tamper {
        key: usize,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let key = 0..KEYS;
    let status = prop_oneof![Just("active"), Just("suspended"), Just("revoked"), Just("disabled")];
    prop_oneof![
        6 => (key.clone(), status).prop_map(|(key, status)| Event::Change { key, status }),
        1 => key.clone().prop_map(|key| Event::Remove { key }),
        6 => (any::<usize>(), 1..6_usize).prop_map(|(from, len)| Event::Deliver { from, len }),
        6 => any::<usize>().prop_map(Event::Arrive),
        2 => any::<usize>().prop_map(Event::Lose),
        1 => key.prop_map(|key| Event::Tamper { key }),
    ]
}

#[derive(Default)]
struct World {
    table: BTreeMap<usize, Published>,
    version: u64,
    stream: Vec<usize>,
    under_way: Vec<Vec<Published>>,
    edge: BTreeMap<String, (String, Mark)>,
}

impl World {
    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Change { key, status } => {
                self.version += 1;
                let record = json!({ "key_id": "k", "principal": "p", "status": status, "grants": ["GET /"], "version": self.version });
                let record = serde_json::from_value(record).unwrap();
                self.table.insert(key, published::key(&hash(key), &record).unwrap());
                self.stream.push(key);
            }
            Event::Remove { key } => {
                self.table.remove(&key);
                self.stream.push(key);
            }
            Event::Deliver { from, len } if !self.stream.is_empty() => {
                let from = from % self.stream.len();
                let keys: BTreeSet<_> = self.stream.iter().skip(from).take(len).collect();
                self.under_way.push(keys.into_iter().filter_map(|key| self.table.get(key).cloned()).collect());
            }
            Event::Arrive(at) if !self.under_way.is_empty() => {
                let write = self.under_way.remove(at % self.under_way.len());
                self.write(write);
            }
            Event::Lose(at) if !self.under_way.is_empty() => drop(self.under_way.remove(at % self.under_way.len())),
            Event::Tamper { key } => drop(self.edge.insert(format!("key:{}", hash(key)), ("?".to_owned(), UNMARKED))),
            _ => {}
        }
    }

    fn write(&mut self, published: Vec<Published>) {
        self.edge.extend(published.into_iter().map(|one| (one.name, (one.value, one.mark))));
    }

    /// What a reconcile would write, delete, and be kept from deleting.
    fn plan(&self) -> Plan {
        let mut wanted = Wanted::default();
        self.table.iter().for_each(|(key, published)| wanted.add(&key_hash(*key), published.mark));
        let mut comparison = Comparison::new(&wanted, 0);
        for (name, (_, mark)) in &self.edge {
            comparison.see(of_name(name), *mark).unwrap();
        }
        comparison.complete_to(BUCKETS);
        let compared = comparison.end();
        assert_eq!(compared.listed, self.edge.len());
        let mut planner = Planner::new(compared.kept.clone());
        let suspects = self.table.iter().filter(|(key, _)| compared.finding(&key_hash(**key)) != Finding::Same);
        let wrong = suspects.filter(|(key, one)| {
            planner.judge(&key_hash(**key), Truth::Mark(one.mark), Timestamp::default()).is_some()
        });
        let writes = wrong.map(|(_, one)| one.clone()).collect();
        let extra: Vec<_> = planner.rest().into_keys().map(|hash| format!("key:{}", hash.to_hex())).collect();
        let may = may_delete(extra.len(), self.edge.len(), self.table.len());
        Plan {
            writes,
            deletes: if may { extra.clone() } else { Vec::new() },
            kept: if may { Vec::new() } else { extra },
        }
    }

    fn apply(&mut self, plan: Plan) {
        self.write(plan.writes);
        plan.deletes.iter().for_each(|name| drop(self.edge.remove(name)));
    }
}

struct Plan {
    writes: Vec<Published>,
    deletes: Vec<String>,
    kept: Vec<String>,
}

fn key_hash(key: usize) -> KeyHash {
    KeyHash::from_hex(&hash(key)).unwrap_or_else(|_| unreachable!())
}

fn of_name(name: &str) -> KeyHash {
    KeyHash::from_hex(name.strip_prefix("key:").unwrap()).unwrap_or_else(|_| unreachable!("{name}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Any interleaving and repetition of stream batches, writes that come late or never, edits by
    /// hand: one reconcile later the edge is what the table says, and the next plan is empty.
    #[test]
    fn one_reconcile_ends_every_disagreement(events in vec(event(), 1..120)) {
        let mut world = World::default();
        events.iter().for_each(|event| world.happen(event));
        while !world.under_way.is_empty() {
            world.happen(&Event::Arrive(7));
        }
        let plan = world.plan();
        let (before, kept) = (world.edge.len(), plan.kept.clone());
        prop_assert!(plan.deletes.len() <= 10.max(before / 5), "never beyond the guard");
        prop_assert!(plan.deletes.is_empty() || !world.table.is_empty(), "never for an empty table");
        world.apply(plan);
        let mut expected: BTreeMap<_, _> =
            world.table.values().map(|one| (one.name.clone(), (one.value.clone(), one.mark))).collect();
        let mut shown = world.edge.clone();
        for name in &kept {
            prop_assert!(shown.remove(name).is_some(), "what is kept is there");
            expected.remove(name);
        }
        prop_assert_eq!(shown, expected);
        let again = world.plan();
        prop_assert!(again.writes.is_empty() && again.deletes.is_empty(), "the plan of an applied plan is empty");
        prop_assert_eq!(again.kept.len(), kept.len());
    }

    /// The edge is listed in parts that meet without a gap and without an overlap, from wherever.
    #[test]
    fn parts_of_a_listing_cover_the_rest(from in 0..BUCKETS) {
        let mut at = from;
        for (prefix, end) in prefixes(from) {
            let first = usize::from_str_radix(&format!("{prefix:0<4}"), 16).unwrap();
            let last = usize::from_str_radix(&format!("{prefix:f<4}"), 16).unwrap();
            prop_assert_eq!((first, last + 1), (at, end));
            at = end;
        }
        prop_assert_eq!(at, BUCKETS);
        prop_assert!(prefixes(from).len() <= 61);
    }

    /// A comparison in parts finds what a whole one finds.
    #[test]
    fn the_parts_find_what_the_whole_finds(
        table in vec((any::<[u8; 2]>(), 0..3_u64), 0..60),
        edge in vec((any::<[u8; 2]>(), 0..3_u64), 0..60),
        cuts in vec(0..BUCKETS, 0..4),
    ) {
        let marks = |entries: &[([u8; 2], u64)]| -> BTreeMap<String, Mark> {
            entries.iter().map(|(start, version)| {
                let hash = format!("{:02x}{:02x}{}", start[0] & 3, start[1] & 3, "0".repeat(60));
                (hash, Mark { version: *version, digest: 1 })
            }).collect()
        };
        let (table, edge) = (marks(&table), marks(&edge));
        let hash = |hex: &String| KeyHash::from_hex(hex).unwrap_or_else(|_| unreachable!());
        let mut wanted = Wanted::default();
        table.iter().for_each(|(hex, mark)| wanted.add(&hash(hex), *mark));
        let mut found = HashMap::new();
        let mut cuts: Vec<_> = cuts.into_iter().chain([0, BUCKETS]).map(|cut| if cut < BUCKETS { cut & 0x303 } else { cut }).collect();
        cuts.sort_unstable();
        for part in cuts.windows(2) {
            let mut comparison = Comparison::new(&wanted, part[0]);
            let names = edge.iter().map(|(hex, mark)| (hash(hex), *mark));
            for (hash, mark) in names.filter(|(hash, _)| (part[0]..part[1]).contains(&bucket(hash))) {
                comparison.see(hash, mark).unwrap();
            }
            comparison.complete_to(part[1]);
            let compared = comparison.end();
            prop_assert_eq!(compared.next, part[1].max(part[0]));
            for hex in table.keys().chain(edge.keys()).filter(|hex| (part[0]..part[1]).contains(&bucket(&hash(hex)))) {
                found.insert(hex.clone(), compared.finding(&hash(hex)));
            }
        }
        for hex in table.keys().chain(edge.keys()) {
            let of = |side: &BTreeMap<String, Mark>| -> Vec<_> {
                side.iter().filter(|(other, _)| other[..4] == hex[..4]).map(|(hex, mark)| (hex.clone(), *mark)).collect()
            };
            let expected = if of(&table) == of(&edge) { Finding::Same } else { Finding::Differs };
            prop_assert_eq!(found.get(hex), Some(&expected));
        }
    }
}

#[test]
fn a_listing_out_of_order_is_noticed() {
    let wanted = Wanted::default();
    let mut comparison = Comparison::new(&wanted, 0);
    let mark = Mark { version: 1, digest: 1 };
    let (mut low, mut high) = (key_hash(0), key_hash(1));
    if bucket(&low) > bucket(&high) {
        (low, high) = (high, low);
    }
    assert!(comparison.see(high, mark).is_ok() && comparison.see(low, mark).is_err());
}

/// More differs than is kept in mind: then no entry of those buckets is judged, and none deleted.
#[test]
fn what_cannot_be_kept_is_blind_and_not_forgotten() {
    let wanted = Wanted::default();
    let mut comparison = Comparison::new(&wanted, 0);
    let mut hashes: Vec<_> = (0..60_000_u32).map(|n| format!("{:04x}{n:060x}", n / 2)).collect();
    hashes.sort_unstable();
    for hex in &hashes {
        let hash = KeyHash::from_hex(hex).unwrap_or_else(|_| unreachable!());
        comparison.see(hash, Mark { version: 1, digest: 1 }).unwrap();
    }
    comparison.complete_to(BUCKETS);
    let compared = comparison.end();
    assert_eq!((compared.listed, compared.kept.len(), compared.blind_from()), (60_000, 50_000, Some(25_000)));
    let findings =
        [0, 59_999].map(|n| compared.finding(&KeyHash::from_hex(&hashes[n]).unwrap_or_else(|_| unreachable!())));
    assert_eq!(findings, [Finding::Differs, Finding::Blind]);
}
