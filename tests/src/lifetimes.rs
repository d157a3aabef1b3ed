//! The system's own waits a hundred times as short, so that a hundred rotations fit into minutes.
//!
//! What a request carries or takes is not scaled: the age and window of a signature, the skew of
//! clocks, the deadline of a decision and the lease of a writer, which are a real network's. The activation delay keeps its
//! margin over that deadline.

use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;

const SCALE: u32 = 100;

/// # Panics
/// If the relations between lifetimes do not hold for these.
pub fn scaled() -> Lifetimes {
    let real = Lifetimes::DEFAULT;
    let margin = real.activation_delay.saturating_sub(real.labels_unknown.max(real.missing_value) + real.deadline);
    let labels_unknown = real.labels_unknown / SCALE;
    let missing_value = real.missing_value / SCALE;
    let lifetimes = Lifetimes {
        labels_soft: real.labels_soft / SCALE,
        labels_hard: real.labels_hard / SCALE,
        labels_kept: real.labels_kept / SCALE,
        labels_unknown,
        labels_cooling: real.labels_cooling / SCALE,
        labels_rest: real.labels_rest / SCALE,
        missing_value,
        activation_delay: labels_unknown.max(missing_value) + real.deadline + margin / SCALE,
        record_fresh: real.record_fresh / SCALE,
        record_kept: real.record_kept / SCALE,
        record_unknown: real.record_unknown / SCALE,
        record_cooling: real.record_cooling / SCALE,
        record_rest: real.record_rest / SCALE,
        route_gap: real.route_gap / SCALE,
        jwks_soft: real.jwks_soft / SCALE,
        jwks_kept: real.jwks_kept / SCALE,
        jwks_cooling: real.jwks_cooling / SCALE,
        edge_spread: real.edge_spread / SCALE,
        overlap: real.overlap / SCALE,
        rotation_stuck: real.rotation_stuck / SCALE,
        ..real
    };
    assert!(margin > Duration::ZERO);
    lifetimes.check().unwrap_or_else(|broken| panic!("{broken}"));
    lifetimes
}
