//! A reconcile of a million keys: calls, CPU and the peak of memory.
//!
//! This process serves the table and the edge out of arithmetic ([`worlds`]), and starts itself again
//! as key-sync, so that what is measured is key-sync alone. Its clock jumps five minutes between runs,
//! since Cloudflare's calls are limited; no run waits. Two sizes are measured, so that memory can be
//! seen not to grow with the table.
//!
//! Run with `cargo bench -p countersign-tests --bench reconcile`; numbers behind `--` are other sizes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench ends at the first surprise")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::time::Timestamp;
use countersign_key_sync::job::DryRun;
use countersign_key_sync::reconcile::{Options, reconcile};
use countersign_key_sync::start::KeySync;
use countersign_tests::aws::secrets::Secret;
use countersign_tests::key_sync::{Aws, TOKEN_SECRET, now};
use serde_json::{Value, json};
use tokio::time::Instant;
use worlds::Worlds;

#[path = "reconcile/worlds.rs"]
mod worlds;

const SIZES: [usize; 2] = [100_000, 1_000_000];
/// Names the variable that makes this process key-sync.
const CHILD: &str = "COUNTERSIGN_BENCH_RECONCILE";
const TOKEN: &str = "token-of-the-bench";
/// How many keys change before the last run.
const CHANGED: usize = 1_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match std::env::var(CHILD) {
        Ok(places) => runtime.block_on(measure(&serde_json::from_str(&places).unwrap())),
        Err(_) => {
            let given: Vec<_> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
            let sizes = if given.is_empty() { SIZES.to_vec() } else { given };
            sizes.into_iter().for_each(|keys| runtime.block_on(serve(keys)));
        }
    }
}

async fn serve(keys: usize) {
    let worlds = Worlds::start(keys, CHANGED.min(keys)).await;
    let secret = Secret::start("countersign-signing").await;
    secret.put_other(TOKEN_SECRET, TOKEN);
    let places = json!({
        "keys": keys, "table": worlds.table(), "edge": worlds.edge(), "secrets": secret.service.url(), "secret": secret.arn(),
    });
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .env_clear()
        .env(CHILD, places.to_string())
        .spawn()
        .expect("the bench starts itself");
    assert!(child.wait().await.unwrap().success());
}

async fn measure(places: &Value) {
    let place = |name: &str| places[name].as_str().unwrap().to_owned();
    let keys = places["keys"].as_u64().unwrap();
    let aws = Aws { dynamodb: place("table"), secrets_manager: place("secrets"), ..Aws::default() };
    let variables = [("SIGNING_SECRET", &*place("secret")), ("CLOUDFLARE_API", &*place("edge"))];
    let key_sync = aws.key_sync(&variables, Lifetimes::DEFAULT, jumping_clock).await;
    println!("{keys} keys; before any run: {:.1} MiB", peak_mib());

    let first = cycle("an empty edge", &key_sync).await;
    assert_eq!(first.written, keys + 1, "every key and the routes");
    let second = cycle("no change", &key_sync).await;
    assert_eq!((second.written, second.drift), (0, 0), "an unchanged table costs no write");
    // The worlds change when they see that an unchanged cycle is over.
    worlds::change(&place("table")).await;
    let third = cycle("a thousand revoked", &key_sync).await;
    let changed = keys.min(CHANGED as u64);
    assert_eq!((third.written, third.drift), (changed, changed));
}

#[derive(Default)]
struct Cycle {
    written: u64,
    drift: u64,
}

/// Runs until all buckets have been compared once.
async fn cycle(name: &str, key_sync: &KeySync) -> Cycle {
    let mut cycle = Cycle::default();
    let mut covered = 0;
    while covered < 99 {
        let (cpu, started) = (cpu_seconds(), Instant::now());
        let options = Options { allow_deletions: false, dry_run: DryRun::No };
        let report = reconcile(key_sync, options, started + Duration::from_secs(3600)).await.unwrap().into_json();
        let count = |member: &str| report[member].as_u64().unwrap();
        assert_eq!(count("extra") + count("invalid") + count("failed"), 0, "{report:#}");
        covered += count("compared_percent").max(1);
        cycle.written += count("written");
        cycle.drift += count("missing") + count("stale") + count("different");
        println!(
            "  {name:>20}: {:>3} % compared, {:>7} scanned, {:>7} listed, {:>7} written, {:>4} calls of Cloudflare, \
             {:>6.1} s CPU, {:>6.1} s, peak {:.1} MiB",
            count("compared_percent"),
            count("scanned"),
            count("listed"),
            count("written"),
            count("calls"),
            cpu_seconds() - cpu,
            started.elapsed().as_secs_f64(),
            peak_mib(),
        );
        JUMPED.fetch_add(301_000, Ordering::Relaxed);
    }
    cycle
}

/// Milliseconds.
static JUMPED: AtomicU64 = AtomicU64::new(0);

fn jumping_clock() -> Timestamp {
    now().plus(Duration::from_millis(JUMPED.load(Ordering::Relaxed)))
}

/// User and system time of this process; the kernel counts in hundredths.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks: Vec<f64> = after_name.split_whitespace().skip(11).take(2).map(|field| field.parse().unwrap()).collect();
    ticks.iter().sum::<f64>() / 100.0
}

fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
