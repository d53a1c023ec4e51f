//! Which calls fail and how, how long answers take, and when the service is unreachable: by script
//! and by chance. All randomness comes from one seed.

use std::time::Duration;

use super::fault::{self, Fault, FaultKind, Scope};
use super::key::Key;
use super::latency::Latency;
use super::script::Script;

/// How long connections are refused at a time.
const SLICE: Duration = Duration::from_millis(100);

/// The script, the faults, and the seed.
#[derive(Debug)]
pub(crate) struct Chances {
    script: Script,
    faults: Vec<Fault>,
    latency: Latency,
    seed: u64,
    /// When the first call came, which starts the script.
    first_call: Option<Duration>,
    /// Whether connections are ever refused by chance.
    may_refuse: bool,
}

/// Whether the service can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// Whether the service is away: open connections are cut and new ones refused.
    pub(crate) away: bool,
    /// Whether new connections are refused.
    pub(crate) refuses: bool,
    /// When this may change next.
    pub(crate) until: Option<Duration>,
}

impl Chances {
    pub(crate) fn new(script: Script, faults: Vec<Fault>, latency: Latency, seed: u64) -> Self {
        let may_refuse = script
            .all_faults()
            .chain(&faults)
            .any(|fault| fault.kind == FaultKind::Refuse);
        Self {
            script,
            faults,
            latency,
            seed,
            first_call: None,
            may_refuse,
        }
    }

    /// Records a call at `now`. Returns whether it was the first, which starts the script.
    pub(crate) fn call(&mut self, now: Duration) -> bool {
        let first = self.first_call.is_none();
        self.first_call.get_or_insert(now);
        first
    }

    /// Returns whether the service can be reached at `now`.
    pub(crate) fn outage(&self, now: Duration) -> Outage {
        let time = self.script_time(now);
        let away = time.is_some_and(|time| self.script.away(time));
        let change = time.and_then(|time| self.script.next_change(time));
        let change = change.zip(self.first_call).map(|(at, start)| start + at);
        let slice = u64::try_from(now.as_millis() / SLICE.as_millis()).unwrap_or(u64::MAX);
        let refusals = self
            .faults(now, None)
            .filter(|fault| fault.kind == FaultKind::Refuse);
        let refuses = fault::draw(refusals, || self.rng_for(!slice).f64()).is_some();
        let next = self.may_refuse.then(|| SLICE.mul_f64((slice + 1) as f64));
        Outage {
            away,
            refuses: away || refuses,
            until: change.into_iter().chain(next).min(),
        }
    }

    /// Draws how long an answer without a fault takes.
    pub(crate) fn delay(&self, rng: &mut fastrand::Rng) -> Duration {
        self.latency.draw(rng)
    }

    /// Draws how long the answer takes and its fault, if any. Faults of a row, group or sender come
    /// before those of single calls.
    pub(crate) fn strike(
        &self,
        now: Duration,
        row: Option<Key<'_>>,
        rng: &mut fastrand::Rng,
    ) -> (Duration, Option<FaultKind>) {
        let time = self.script_time(now).unwrap_or_default();
        let latency = self.script.latency(time, row).unwrap_or(&self.latency);
        let delay = latency.draw(rng);
        let lasting = [Scope::Groups, Scope::Senders, Scope::Rows];
        let struck = row.and_then(|row| {
            lasting
                .iter()
                .find_map(|&scope| self.lasting(now, row, scope))
        });
        let by_chance = || fault::draw(self.faults_in(now, row, Scope::Calls), || rng.f64());
        (delay, struck.or_else(by_chance))
    }

    /// Returns the fault that strikes this row, or its group or sender, every time.
    pub(crate) fn lasting(&self, now: Duration, row: Key<'_>, scope: Scope) -> Option<FaultKind> {
        let chance = || self.rng_for(scope.hash(row, self.seed)).f64();
        fault::draw(self.faults_in(now, Some(row), scope), chance)
    }

    /// Returns the random numbers of one call, derived from the seed.
    pub(crate) fn rng_for(&self, call: u64) -> fastrand::Rng {
        let mut seed = fastrand::Rng::with_seed(call);
        fastrand::Rng::with_seed(seed.u64(..) ^ self.seed)
    }

    fn faults_in<'a>(
        &'a self,
        now: Duration,
        row: Option<Key<'a>>,
        scope: Scope,
    ) -> impl Iterator<Item = &'a Fault> {
        let strikes = move |fault: &&Fault| fault.scope == scope && fault.kind != FaultKind::Refuse;
        self.faults(now, row).filter(strikes)
    }

    /// The faults active at `now`, those of the script first.
    fn faults<'a>(
        &'a self,
        now: Duration,
        row: Option<Key<'a>>,
    ) -> impl Iterator<Item = &'a Fault> {
        let script = self
            .script_time(now)
            .map(|time| self.script.faults(time, row));
        script.into_iter().flatten().chain(&self.faults)
    }

    /// Returns how long the script has been running; `None` before the first call.
    fn script_time(&self, now: Duration) -> Option<Duration> {
        self.first_call.map(|start| now.saturating_sub(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn chances<const N: usize>(script: &str, faults: [&str; N]) -> Chances {
        let script = Script::from_toml(script).expect("a script");
        let faults = faults.map(|text| text.parse().expect("a fault"));
        Chances::new(script, faults.to_vec(), Latency::default(), 7)
    }

    #[test]
    fn connections_are_refused_for_the_given_share_of_the_time() {
        let chances = chances("", ["refuse=20%", "10002=90%"]);
        let refused = (0..1000_u32).filter(|&n| chances.outage(n * SLICE).refuses);
        assert!((150..250).contains(&refused.count()));
        let each_ms = (0..1000).map(|ms| chances.outage(ms * MS).refuses);
        let mut in_turn: Vec<bool> = each_ms.collect();
        in_turn.dedup();
        assert!(in_turn.len() <= 10);
    }

    #[test]
    fn a_refusal_lasts_until_the_next_slice() {
        let outage = chances("", ["refuse=100%"]).outage(1234 * MS);
        let expected = Outage {
            away: false,
            refuses: true,
            until: Some(1300 * MS),
        };
        assert_eq!(outage, expected);
        let never = chances("", ["10002=100%"]).outage(1234 * MS);
        assert_eq!((never.refuses, never.until), (false, None));
    }

    #[test]
    fn the_clock_of_a_script_starts_with_the_first_call() {
        let script = "[[during]]\nfrom = '1s'\nto = '2s'\naway = true";
        let mut chances = chances(script, []);
        assert_eq!(chances.outage(5000 * MS).until, None);
        assert!(chances.call(5000 * MS));
        assert!(!chances.call(5500 * MS));
        let away = [5999, 6000, 6999, 7000].map(|ms| chances.outage(ms * MS).away);
        assert_eq!(away, [false, true, true, false]);
        let until = [5000, 6000, 7000].map(|ms| chances.outage(ms * MS).until);
        assert_eq!(until, [Some(6000 * MS), Some(7000 * MS), None]);
        assert!(chances.outage(6000 * MS).refuses);
    }

    #[test]
    fn a_script_can_refuse_connections_for_a_while() {
        let script = "[[during]]\nto = '1s'\nfail = ['refuse=100%']";
        let mut chances = chances(script, []);
        chances.call(Duration::ZERO);
        let refuses = [0, 999, 1000].map(|ms| chances.outage(ms * MS).refuses);
        assert_eq!(refuses, [true, true, false]);
        assert!(!chances.outage(Duration::ZERO).away);
    }

    #[test]
    fn a_group_or_sender_fault_strikes_all_of_its_rows() {
        let chances = chances("", ["10010=20%/group", "70107=20%/sender", "10004=20%/row"]);
        let mut rng = fastrand::Rng::with_seed(1);
        let mut codes = [0; 4];
        for n in 0..2500 {
            let (group, sender) = (format!("g{}", n % 50), format!("s{}", n / 50));
            let row = Key {
                group: &group,
                sender: &sender,
                topic: "",
            };
            let group = chances.lasting(Duration::ZERO, row, Scope::Groups);
            let sender = chances.lasting(Duration::ZERO, row, Scope::Senders);
            let expected = group.or(sender);
            let (_, struck) = chances.strike(Duration::ZERO, Some(row), &mut rng);
            assert_eq!(expected.or(struck), struck);
            let nth = match struck {
                Some(FaultKind::Code(10010)) => 0,
                Some(FaultKind::Code(70107)) => 1,
                Some(_) => 2,
                None => 3,
            };
            codes[nth] += 1;
        }
        // Faults strike whole groups and senders, each of fifty rows, so the counts are coarse.
        assert!(
            codes[0] > 0 && codes[0] % 50 == 0 && codes[0] < 1000,
            "{codes:?}"
        );
        assert!(codes[1] > 0 && codes[2] > 0 && codes[3] > 800, "{codes:?}");
    }
}
