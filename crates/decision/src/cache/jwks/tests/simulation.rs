//! An issuer that rotates, shrinks, empties and fails at random, a mirror of its keys that is looked at
//! before it, strangers, and good callers.

use proptest::prelude::*;

use super::{FAILS, L, set};
use crate::cache::jwks::{Ask, JwksCache};
use crate::time::Timestamp;

/// What happens next, `after` milliseconds later.
#[derive(Clone, Debug)]
struct Event {
    after: u64,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// A stranger's token with a name that was never published.
    MadeUp,
    /// A token signed with the newest key that has been published for `jwks_cooling`.
    Caller,
    /// The issuer publishes one more key.
    Publish,
    /// The issuer withdraws its oldest key, if it has two.
    Withdraw,
    Fails(bool),
    /// The issuer answers, for a while, with a set without keys.
    Empties(bool),
    /// The mirror takes over what the issuer publishes now, if that is any good.
    Mirror,
}

fn events(mirror: u32) -> impl Strategy<Value = Vec<Event>> {
    let what = prop_oneof![
        8 => Just(What::MadeUp),
        8 => Just(What::Caller),
        1 => Just(What::Publish),
        1 => Just(What::Withdraw),
        1 => any::<bool>().prop_map(What::Fails),
        1 => any::<bool>().prop_map(What::Empties),
        mirror => Just(What::Mirror),
    ];
    let after = prop_oneof![4 => 0_u64..2_000, 3 => 0_u64..40_000, 1 => 0_u64..700_000];
    prop::collection::vec((after, what).prop_map(|(after, what)| Event { after, what }), 1..200)
}

/// The issuer and one authorizer's cache.
struct World {
    now: u64,
    cache: JwksCache,
    /// Name and time of publication, oldest first.
    published: Vec<(String, u64)>,
    /// Names, and when they were fetched.
    mirror: Option<(Vec<String>, u64)>,
    counter: u32,
    fails: bool,
    empties: bool,
    /// When each fetch began.
    fetches: Vec<u64>,
    /// When the last good one began, and the last bad one ended.
    last_good_fetch: Option<u64>,
    last_bad_fetch: Option<u64>,
}

impl World {
    fn new() -> Self {
        let published = vec![("k0".to_owned(), 0)];
        Self {
            now: 10_000_000,
            cache: JwksCache::default(),
            published,
            mirror: None,
            counter: 0,
            fails: false,
            empties: false,
            fetches: vec![],
            last_good_fetch: None,
            last_bad_fetch: None,
        }
    }

    /// As the shell does: the mirror, else the issuer, else the mirror again.
    fn fetch(&mut self, kid: &str) {
        let Some((kids, fetched_at)) = self.mirror.clone() else { return self.fetch_from_issuer() };
        let kids: Vec<&str> = kids.iter().map(String::as_str).collect();
        let (mirrored_at, now) = (Timestamp::from_millis(fetched_at), Timestamp::from_millis(self.now));
        match self.cache.offer(set(&kids), mirrored_at, Some(kid), now, &L) {
            Ok(_) => self.last_good_fetch = self.last_good_fetch.max(Some(fetched_at)),
            Err(keys) => {
                self.fetch_from_issuer();
                if self.fails || self.empties {
                    let now = Timestamp::from_millis(self.now);
                    self.cache.fall_back(keys, mirrored_at, now, &L);
                    self.last_good_fetch = self.last_good_fetch.max(Some(fetched_at));
                }
            }
        }
    }

    /// The worst the issuer's side can do: the set is as old as the question, and late.
    fn fetch_from_issuer(&mut self) {
        let asked = self.now;
        self.fetches.push(asked);
        let kids: Vec<&str> = self.published.iter().map(|(kid, _)| kid.as_str()).collect();
        let outcome = match (self.fails, self.empties) {
            (true, _) => FAILS,
            (false, true) => Ok(set(&[])),
            (false, false) => Ok(set(&kids)),
        };
        let good = !self.fails && !self.empties;
        self.now += 700;
        *(if good { &mut self.last_good_fetch } else { &mut self.last_bad_fetch }) =
            Some(if good { asked } else { self.now });
        self.cache.fetched(outcome, Timestamp::from_millis(self.now), &L);
    }

    /// As the shell does: fetch if asked to, then ask again. What a mirror had may want confirming, so
    /// there are two rounds.
    fn request(&mut self, kid: &str) -> Ask {
        for _ in 0..2 {
            match self.cache.ask(Some(kid), Timestamp::from_millis(self.now), &L) {
                Ask::Fetch | Ask::Use { refresh: true, .. } => self.fetch(kid),
                settled => return settled,
            }
        }
        self.cache.ask(Some(kid), Timestamp::from_millis(self.now), &L)
    }

    fn step(&mut self, event: &Event) -> Result<(), TestCaseError> {
        self.now += event.after;
        match event.what {
            What::MadeUp => {
                let answer = self.request("made-up");
                prop_assert!(matches!(answer, Ask::Unknown | Ask::Cooling), "a stranger gets a refusal or a fault");
                let young = self.within_cooling(self.last_good_fetch);
                prop_assert!(!matches!(answer, Ask::Unknown) || young, "a set that old cannot say no");
                self.excused(&answer)?;
            }
            What::Caller => self.caller()?,
            What::Publish => {
                self.counter += 1;
                self.published.push((format!("k{}", self.counter), self.now));
            }
            What::Withdraw if self.published.len() > 1 => drop(self.published.remove(0)),
            What::Withdraw => {}
            What::Fails(fails) => self.fails = fails,
            What::Empties(empties) => self.empties = empties,
            What::Mirror if self.fails || self.empties => {}
            What::Mirror => {
                let kids = self.published.iter().map(|(kid, _)| kid.clone()).collect();
                self.mirror = Some((kids, self.now));
            }
        }
        Ok(())
    }

    /// Not to know is excused only by a fetch that has failed just now.
    fn excused(&self, answer: &Ask) -> Result<(), TestCaseError> {
        prop_assert!(!matches!(answer, Ask::Cooling) || self.within_cooling(self.last_bad_fetch));
        Ok(())
    }

    fn within_cooling(&self, at: Option<u64>) -> bool {
        at.is_some_and(|at| self.now - at < L.jwks_cooling.as_millis() as u64)
    }

    fn caller(&mut self) -> Result<(), TestCaseError> {
        let cooling = L.jwks_cooling.as_millis() as u64;
        let Some((kid, _)) = self.published.iter().rfind(|(_, at)| at + cooling <= self.now).cloned() else {
            return Ok(());
        };
        let answer = self.request(&kid);
        prop_assert!(!matches!(answer, Ask::Unknown), "{kid} was published long enough ago to be known");
        prop_assert!(!matches!(answer, Ask::Fetch), "a fetch has just ended");
        self.excused(&answer)?;
        if let Ask::Use { keys, kept, .. } = &answer {
            prop_assert!(keys.find(Some(&kid)).is_ok());
            prop_assert!(!keys.is_empty());
            if *kept {
                let age = self.now - self.last_good_fetch.unwrap_or_default();
                prop_assert!(age >= L.jwks_soft.as_millis() as u64 && age < L.jwks_kept.as_millis() as u64 + 1_000);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn good_keys_are_never_refused_and_fetches_are_few(events in prop_oneof![events(0), events(4)]) {
        let mut world = World::new();
        for event in &events {
            world.step(event)?;
        }
        // One for a name, one that was due: never three within one cooling.
        let cooling = L.jwks_cooling.as_millis() as u64;
        for three in world.fetches.windows(3) {
            prop_assert!(three[2] - three[0] >= cooling, "{three:?}");
        }
    }
}
