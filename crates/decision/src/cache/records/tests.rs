use std::time::Duration;

use super::*;

const LIFETIMES: Lifetimes = Lifetimes::DEFAULT;
const START: Timestamp = Timestamp::from_secs(1_800_000_000);
const ID: Id = [1; 32];

fn at(millis: u64) -> Timestamp {
    START.plus(Duration::from_millis(millis))
}

fn id(n: u64) -> Id {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&n.to_be_bytes());
    id
}

/// What `ask` says, in one word.
fn word(records: &mut Records<u8>, id: &Id, millis: u64) -> &'static str {
    match records.ask(id, at(millis), &LIFETIMES) {
        Ask::Use { kept: false, .. } => "use",
        Ask::Use { kept: true, .. } => "use, kept",
        Ask::Unknown => "unknown",
        Ask::Read => "read",
        Ask::Unavailable(fault) => fault.code(),
    }
}

fn known() -> Records<u8> {
    let mut records = Records::default();
    records.read(ID, Ok(Arc::new(1)), START);
    records
}

#[test]
fn a_record_is_read_again_after_thirty_seconds() {
    let mut records = known();
    assert_eq!(word(&mut records, &ID, 29_999), "use");
    assert_eq!(word(&mut records, &ID, 30_000), "read");
}

#[test]
fn while_the_table_fails_known_records_go_on_for_three_hours() {
    let mut records = known();
    let three_hours = 3 * 3600 * 1000;
    records.failed(at(40_000));
    assert_eq!(word(&mut records, &ID, 40_000), "use, kept");
    assert_eq!(word(&mut records, &ID, 49_999), "use, kept");
    assert_eq!(word(&mut records, &ID, 50_000), "read");
    records.failed(at(three_hours - 1));
    assert_eq!(word(&mut records, &ID, three_hours - 1), "use, kept");
    assert_eq!(word(&mut records, &ID, three_hours), "table_unavailable");
    assert_eq!(word(&mut records, &ID, three_hours + 1000), "read");
}

#[test]
fn only_a_good_record_can_be_kept_and_only_for_so_long() {
    let has_good = |records: &Records<u8>, millis| records.has_good(&ID, at(millis), &LIFETIMES);
    let (mut records, three_hours) = (known(), 3 * 3600 * 1000);
    assert!(has_good(&records, 0) && has_good(&records, three_hours - 1));
    assert!(!has_good(&records, three_hours) && !records.has_good(&id(7), at(0), &LIFETIMES));
    records.read(ID, Err(Arc::from("malformed")), at(1));
    assert!(!has_good(&records, 2));
}

#[test]
fn a_record_that_is_gone_or_was_never_there_is_unknown_for_five_seconds() {
    let mut records = known();
    records.missing(ID, at(31_000));
    assert_eq!(word(&mut records, &ID, 35_999), "unknown");
    assert_eq!(word(&mut records, &ID, 36_000), "read");
}

#[test]
fn strangers_share_a_budget_and_known_records_do_not_pay_for_them() {
    let mut records = known();
    let reads = (0..1000).filter(|n| word(&mut records, &id(*n), 0) == "read").count();
    assert_eq!(reads, 20);
    assert_eq!(word(&mut records, &id(5000), 0), "lookups_exhausted");
    assert_eq!(word(&mut records, &ID, 0), "use");
    assert_eq!(word(&mut records, &ID, 30_000), "read");
    assert_eq!(word(&mut records, &id(5000), 1000), "read");
}

#[test]
fn after_a_failed_read_strangers_are_faults_without_a_call() {
    let mut records = known();
    records.failed(at(0));
    assert_eq!(word(&mut records, &id(1), 999), "table_unavailable");
    assert_eq!(word(&mut records, &id(1), 1000), "read");
}

#[test]
fn memory_is_bounded() {
    let mut records = known();
    for n in 0..30_000 {
        records.missing(id(n), START);
    }
    assert_eq!(records.unknown.len(), limits::REMEMBERED);
}

#[test]
fn a_malformed_record_is_remembered_as_such() {
    let mut records: Records<u8> = Records::default();
    records.read(ID, Err(Arc::from("status must be …")), START);
    assert!(matches!(records.ask(&ID, at(1), &LIFETIMES), Ask::Use { record: Err(_), kept: false }));
}

#[test]
fn a_clock_that_is_set_back_makes_no_record_fresh() {
    let mut records = known();
    records.read(ID, Ok(Arc::new(1)), at(3_600_000));
    assert_eq!(word(&mut records, &ID, 1_800_000), "read");
}
