//! Which route a request takes, and whether its caller may take it. The edge decides by the same rules,
//! and `tests/vectors/routing.json` holds both to them.
//!
//! A route counts from its `starts_at` until just before its `ends_at`. Every condition that it names
//! must hold, each through one of its entries. Of those that match, the first in this order is taken:
//!
//! 1. the highest `priority`;
//! 2. a host named in full, then the longest `*.` host, then no host;
//! 3. the longest path by characters other than `*`, then one without a `*`; no path counts as none;
//! 4. the one with more of the other conditions (method, cidrs, countries);
//! 5. the first id, byte by byte.
//!
//! With several hosts or paths in one route, its best that matches counts. Ids are unique, so there is
//! always one answer, and the order in which routes are listed does not matter.

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use ipnet::IpNet;

use crate::grant;
use crate::record::route::RouteRecord;
use crate::time::Timestamp;

/// What of a request its route depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'f> {
    /// In capitals, as sent.
    pub method: &'f str,
    /// The host that the client asked for; case, a port and one dot at the end do not matter.
    pub host: Option<&'f str>,
    /// Percent-decoded once, without a stage in front.
    pub path: &'f str,
    /// `None` where it is not known for certain: then no condition on it holds.
    pub client: Option<IpAddr>,
    /// As the edge says it. Behind the gateway it is not known, so a route with `countries` is the edge's alone.
    pub country: Option<&'f str>,
}

/// The route that is taken, of any of `routes`: the caller leaves out those that are not its business.
pub fn choose<'r>(
    routes: impl IntoIterator<Item = &'r (String, RouteRecord)>,
    facts: &Facts<'_>,
    now: Timestamp,
) -> Option<&'r (String, RouteRecord)> {
    routes
        .into_iter()
        .filter(|(_, record)| is_in_force(record, now))
        .filter_map(|route| Rank::of(&route.1, facts).map(|rank| (rank, route)))
        .max_by(|(rank, (id, _)), (other, (other_id, _))| rank.cmp(other).then_with(|| other_id.cmp(id)))
        .map(|(_, route)| route)
}

/// Whether a caller at this address may take the route that was chosen; if not, no other route is
/// tried. `deny_cidrs` outweighs `allow_cidrs`, and an address that is not known passes neither.
pub fn admits(record: &RouteRecord, client: Option<IpAddr>) -> bool {
    let (allowed, denied) = (&record.allow_cidrs, &record.deny_cidrs);
    match client {
        Some(client) => {
            let among = |blocks: &[IpNet]| blocks.iter().any(|block| holds(block, client));
            (allowed.is_empty() || among(allowed)) && !among(denied)
        }
        None => allowed.is_empty() && denied.is_empty(),
    }
}

fn is_in_force(record: &RouteRecord, now: Timestamp) -> bool {
    record.starts_at.is_none_or(|starts_at| starts_at <= now) && record.ends_at.is_none_or(|ends_at| now < ends_at)
}

/// An IPv4-mapped IPv6 address is the IPv4 address inside it.
fn holds(block: &IpNet, address: IpAddr) -> bool {
    block.contains(&address.to_canonical())
}

/// How closely a route fits a request; the greatest wins.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Rank {
    priority: i32,
    host: HostFit,
    path: PathFit,
    /// How many of the other conditions the route names.
    others: usize,
}

impl Rank {
    /// `None` where some condition does not hold.
    fn of(record: &RouteRecord, facts: &Facts<'_>) -> Option<Self> {
        let matching = &record.matching;
        let others = [
            condition(&matching.method, |method| method == facts.method)?,
            condition(&matching.cidrs, |block| facts.client.is_some_and(|client| holds(block, client)))?,
            condition(&matching.countries, |country| facts.country == Some(country))?,
        ];
        Some(Self {
            priority: record.priority,
            host: best(&matching.host, |pattern| HostFit::of(pattern, facts.host?))?,
            path: best(&matching.path, |pattern| PathFit::of(pattern, facts.path))?,
            others: others.into_iter().filter(|is_named| *is_named).count(),
        })
    }
}

/// Whether a condition is named at all; `None` where it is and none of its entries holds.
fn condition<T>(entries: &[T], is_met: impl Fn(&T) -> bool) -> Option<bool> {
    match entries {
        [] => Some(false),
        some => some.iter().any(is_met).then_some(true),
    }
}

/// The best fit of any entry, the default where there is none; `None` where no entry fits.
fn best<T: Default + Ord>(patterns: &[String], fit: impl Fn(&str) -> Option<T>) -> Option<T> {
    match patterns {
        [] => Some(T::default()),
        some => some.iter().filter_map(|pattern| fit(pattern)).max(),
    }
}

#[derive(Default, Eq, Ord, PartialEq, PartialOrd)]
enum HostFit {
    #[default]
    Any,
    /// Below a name that is so long.
    Below(usize),
    Exact,
}

impl HostFit {
    fn of(pattern: &str, host: &str) -> Option<Self> {
        let name = name(host);
        let Some(parent) = pattern.strip_prefix('*').filter(|parent| parent.starts_with('.')) else {
            return name.eq_ignore_ascii_case(pattern).then_some(Self::Exact);
        };
        let (below, end) = name.split_at_checked(name.len().checked_sub(parent.len())?)?;
        let is_below = end.eq_ignore_ascii_case(parent) && below.split('.').all(|label| !label.is_empty());
        is_below.then_some(Self::Below(parent.len()))
    }
}

/// A host without its port and without the dot of the root.
fn name(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

#[derive(Default, Eq, Ord, PartialEq, PartialOrd)]
struct PathFit {
    /// Characters other than `*`.
    literal: usize,
    is_exact: bool,
}

impl PathFit {
    fn of(pattern: &str, path: &str) -> Option<Self> {
        let stars = pattern.bytes().filter(|byte| *byte == b'*').count();
        grant::matches(pattern.as_bytes(), path.as_bytes())
            .then_some(Self { literal: pattern.len() - stars, is_exact: stars == 0 })
    }
}
