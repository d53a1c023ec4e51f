use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::api::codes;
use crate::api::groups::GroupType;

const SECOND: Duration = Duration::from_secs(1);

fn plan(rate: u32, concurrency: usize) -> Plan {
    Plan {
        rate: NonZeroU32::new(rate),
        concurrency: NonZeroUsize::new(concurrency).expect("from 1"),
        max_outage: Duration::ZERO,
        ..Plan::default()
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("g{n}")).collect()
}

/// Returns the answer of the service with this code.
fn answer(code: i64, groups: &[String]) -> GroupInfo {
    let public = |group: &String| (group.clone(), GroupState::Is(GroupType::Public));
    let has_states = code == 0;
    GroupInfo {
        reply: Reply {
            code,
            verdict: codes::look_up(code).verdict,
            info: String::new(),
        },
        // In another order than the request.
        states: groups
            .iter()
            .rev()
            .filter(|_| has_states)
            .map(public)
            .collect(),
    }
}

/// The result of a simulated preflight.
#[derive(Debug, Default)]
struct Looked {
    /// When requests were written.
    wire: Vec<Instant>,
    /// The number of groups in each request.
    asked: Vec<usize>,
    /// The states that answers reported for each group.
    states: BTreeMap<String, Vec<GroupState>>,
    renewals: usize,
    given_up: Option<GivenUp>,
    took: Duration,
}

/// Looks up groups that are read one by one; `code` returns the code of the answer to each call.
fn look(
    plan: &Plan,
    can_renew: bool,
    groups: &[String],
    code: impl FnMut(&Call, &Looked) -> i64,
) -> Looked {
    look_in(1..80, plan, can_renew, groups, code)
}

/// Does the same, with answers that take this many milliseconds.
fn look_in(
    answers_take: Range<u64>,
    plan: &Plan,
    can_renew: bool,
    groups: &[String],
    mut code: impl FnMut(&Call, &Looked) -> i64,
) -> Looked {
    let start = Instant::now();
    let mut random = fastrand::Rng::with_seed(groups.len() as u64);
    let mut lookups = Lookups::new(plan, can_renew, 0, start);
    let mut looked = Looked::default();
    let mut unread = groups.iter().cloned();
    let mut now = start;
    let mut happens = BinaryHeap::new();
    let mut calls = HashMap::new();
    loop {
        while lookups.wants_groups() {
            match unread.next() {
                Some(group) => lookups.offer(group),
                None => lookups.close(),
            }
        }
        let wake = match lookups.next(now) {
            Next::Call(call) => {
                // Handed over now, written a moment later, and reported a moment after that.
                let written = now + Duration::from_micros(random.u64(..3_000));
                let heard = written + Duration::from_micros(random.u64(..300));
                let mut ended = heard + Duration::from_millis(random.u64(answers_take.clone()));
                looked.wire.push(written);
                looked.asked.push(call.groups.len());
                let code = code(&call, &looked);
                if code == 70001 {
                    // Other calls are answered first.
                    ended += SECOND / 2;
                }
                happens.push(Reverse((heard, call.number, false)));
                happens.push(Reverse((ended, call.number, true)));
                calls.insert(call.number, (call, code));
                assert!(calls.len() <= plan.concurrency.get());
                continue;
            }
            Next::Renew => {
                looked.renewals += 1;
                continue;
            }
            Next::Done => break,
            Next::Until(at) => Some(at),
            Next::Wait => None,
        };
        let event = happens.peek().map(|Reverse((at, ..))| *at);
        let to = [wake, event].into_iter().flatten().min();
        now = now.max(to.expect("the preflight is not stuck"));
        while let Some(Reverse((at, number, ended))) = happens.peek().copied()
            && at <= now
        {
            happens.pop();
            if !ended {
                lookups.written(number, now);
                continue;
            }
            let (call, code) = calls.remove(&number).expect("it was made");
            let answer = answer(code, &call.groups);
            for (group, state) in lookups.answered(call, answer, now) {
                looked.states.entry(group).or_default().push(state);
            }
        }
    }
    looked.took = now - start;
    looked.given_up = lookups.given_up();
    looked
}

/// Checks that each group was reported once, with this state.
fn assert_reported_once(looked: &Looked, groups: &[String], state: GroupState) {
    let expected = groups.iter().map(|group| (group.clone(), vec![state]));
    assert_eq!(looked.states, expected.collect());
}

const PUBLIC: GroupState = GroupState::Is(GroupType::Public);

#[test]
fn a_call_takes_up_to_fifty_groups() {
    for (count, calls) in [(0, vec![]), (1, vec![1]), (50, vec![50]), (51, vec![50, 1])] {
        let groups = names(count);
        let looked = look(&plan(200, 10), false, &groups, |_, _| 0);
        assert_eq!(looked.asked, calls);
        assert_reported_once(&looked, &groups, PUBLIC);
    }
}

#[test]
fn at_200_a_second_100_000_groups_take_ten_seconds() {
    let groups = names(100_000);
    let looked = look(&plan(200, 200), false, &groups, |_, _| 0);
    assert_eq!(looked.asked.len(), 2_000);
    assert!(
        (9..=10).contains(&looked.took.as_secs()),
        "{:?}",
        looked.took
    );
}

#[test]
fn faults_are_retried_without_other_consequences() {
    let groups = names(500);
    let code = |call: &Call, _: &Looked| if call.faults < 3 { 10002 } else { 0 };
    let looked = look(&plan(200, 200), false, &groups, code);
    assert_eq!(looked.asked.len(), 10 * 4);
    assert_reported_once(&looked, &groups, PUBLIC);
}

#[test]
fn a_call_that_only_meets_faults_ends_the_preflight() {
    for code in [10002, 502, codes::NO_CONNECTION, codes::BAD_ANSWER] {
        let looked = look(&plan(200, 1), false, &names(120), |_, _| code);
        let given_up = looked.given_up.expect("it gave up");
        assert_eq!((given_up.reply.code, given_up.why), (code, Why::Faults(8)));
        assert_eq!(looked.asked.len(), 8, "other calls wait for their slots");
    }
}

/// Returns a plan that waits out outages.
fn patient(rate: u32, concurrency: usize, max_attempts: u32) -> Plan {
    Plan {
        max_outage: 1_800 * SECOND,
        max_attempts: NonZeroU32::new(max_attempts).expect("not 0"),
        ..plan(rate, concurrency)
    }
}

#[test]
fn in_an_outage_no_attempt_counts_and_single_calls_probe_until_it_has_lasted_too_long() {
    for (groups, concurrency, max_attempts) in [(1, 200, 8), (120, 1, 8), (20_000, 200, 1)] {
        let plan = patient(200, concurrency, max_attempts);
        let looked = look(&plan, false, &names(groups), |_, _| codes::NO_CONNECTION);
        let given_up = looked.given_up.expect("it gave up");
        let Why::Outage(lasted) = given_up.why else {
            panic!("{given_up:?}");
        };
        assert_eq!(lasted.as_secs(), 1_800);
        assert_eq!(given_up.reply.code, codes::NO_CONNECTION);
        let mut wire = looked.wire;
        wire.sort_unstable();
        let gaps: Vec<_> = wire.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let probes = gaps.iter().filter(|gap| gap.as_millis() >= 900).count();
        assert!(
            (218..232).contains(&probes),
            "{probes}: every 8 s in the end"
        );
        let others = gaps.len() - probes;
        assert!(others <= 20, "{others}: no more than were in flight");
    }
}

#[test]
fn all_groups_are_looked_up_within_8_seconds_after_the_service_comes_back() {
    let begun = Instant::now();
    let back = begun + 300 * SECOND;
    let code = |_: &Call, looked: &Looked| {
        let last = looked.wire.last().expect("the call to answer");
        if *last < back { 502 } else { 0 }
    };
    let groups = names(500);
    let looked = look(&patient(200, 200, 2), false, &groups, code);
    assert_eq!(looked.given_up, None);
    assert_reported_once(&looked, &groups, PUBLIC);
    assert!(
        (300..310).contains(&looked.took.as_secs()),
        "{:?}",
        looked.took
    );
}

#[test]
fn a_call_that_meets_faults_while_others_are_answered_uses_up_its_attempts() {
    let groups = names(20_000);
    let code = |call: &Call, _: &Looked| {
        if call.groups.iter().any(|group| group == "g7") {
            10002
        } else {
            0
        }
    };
    let looked = look(&patient(10, 5, 8), false, &groups, code);
    let given_up = looked.given_up.expect("it gave up");
    assert_eq!((given_up.reply.code, given_up.why), (10002, Why::Faults(8)));
    assert!(looked.took < 62 * SECOND, "{:?}", looked.took);
}

#[test]
fn a_refusal_ends_the_preflight_at_once() {
    let code = |_: &Call, looked: &Looked| if looked.asked.len() == 3 { 60026 } else { 0 };
    let looked = look(&plan(200, 1), false, &names(1_000), code);
    let given_up = looked.given_up.expect("it gave up");
    assert_eq!((given_up.reply.code, given_up.why), (60026, Why::Refused));
    assert_eq!(looked.asked.len(), 3);
}

#[test]
fn a_service_that_faults_the_first_call_for_every_list_is_not_out_for_long() {
    let groups = names(10_000);
    let mut asked = HashSet::new();
    let code = |call: &Call, _: &Looked| {
        let is_first = asked.insert(call.groups[0].clone());
        if is_first { 10002 } else { 0 }
    };
    let looked = look(&patient(200, 200, 8), false, &groups, code);
    assert_eq!(looked.given_up, None);
    assert_reported_once(&looked, &groups, PUBLIC);
    assert!(looked.took < 60 * SECOND, "{:?}", looked.took);
}

#[test]
fn only_groups_that_can_not_be_looked_up_stay_unknown() {
    // A list that contains one of them is refused as a whole.
    let code = |call: &Call, _: &Looked| {
        let refused = |group: &String| group == "g7" || group == "g133";
        if call.groups.iter().any(refused) {
            10004
        } else {
            0
        }
    };
    let groups = names(150);
    let looked = look(&plan(200, 1), false, &groups, code);
    assert_eq!(looked.states.len(), 150);
    let unknown = looked
        .states
        .iter()
        .filter(|(_, states)| **states == [GroupState::Unknown(10004)]);
    let mut unknown: Vec<_> = unknown.map(|(group, _)| group.as_str()).collect();
    unknown.sort_unstable();
    assert_eq!(unknown, ["g133", "g7"]);
}

#[test]
fn the_other_groups_are_known_however_many_are_refused_and_however_late_the_answers() {
    let groups = names(6_000);
    let is_refused = |group: &String| group.ends_with('7') || group.ends_with('3');
    let code = |call: &Call, _: &Looked| {
        if call.groups.iter().any(is_refused) {
            10004
        } else {
            0
        }
    };
    for answers_take in [1..80, 300..301, 900..2_000] {
        let looked = look_in(answers_take, &plan(200, 200), false, &groups, code);
        for (group, states) in &looked.states {
            let state = if is_refused(group) {
                GroupState::Unknown(10004)
            } else {
                PUBLIC
            };
            assert_eq!(states, &[state], "{group}");
        }
        assert_eq!(looked.states.len(), 6_000);
    }
}

#[test]
fn if_every_list_is_refused_not_every_group_is_looked_up_alone() {
    for in_flight in [1, 4, 200] {
        let looked = look(&plan(200, in_flight), false, &names(50_000), |_, _| 10004);
        assert_eq!(looked.states.len(), 50_000);
        let calls = looked.asked.len();
        assert!(calls < 5_000, "{calls} calls, {in_flight} in flight");
    }
}

#[test]
fn an_expired_usersig_is_signed_again_once_if_possible() {
    let expired = |_: &Call, looked: &Looked| if looked.renewals == 0 { 70001 } else { 0 };
    let groups = names(1_000);
    let looked = look(&plan(200, 200), true, &groups, expired);
    assert_eq!(looked.renewals, 1);
    assert_reported_once(&looked, &groups, PUBLIC);
    let looked = look(&plan(200, 200), false, &groups, expired);
    assert_eq!(
        looked.given_up.map(|given_up| given_up.reply.code),
        Some(70001)
    );
    let looked = look(&plan(200, 200), true, &groups, |_, _| 70001);
    assert_eq!(
        looked.renewals, 1,
        "a renewal that did not help is not repeated"
    );
    assert!(looked.given_up.is_some());
}

#[test]
fn a_group_whose_every_usersig_has_expired_stays_unknown_and_the_others_are_known() {
    let groups = names(30_000);
    let expired = |call: &Call, _: &Looked| {
        if call.groups.contains(&groups[70]) {
            70001
        } else {
            0
        }
    };
    let mut looked = look(&plan(200, 200), true, &groups, expired);
    assert_eq!((looked.renewals, &looked.given_up), (3, &None));
    let states = looked.states.insert(groups[70].clone(), vec![PUBLIC]);
    assert_eq!(states, Some(vec![GroupState::Unknown(70001)]));
    assert_reported_once(&looked, &groups, PUBLIC);
}

#[test]
fn a_frequency_error_lowers_the_pace() {
    let groups = names(20_000);
    let quick = look(&plan(200, 200), false, &groups, |_, _| 0).took;
    let code = |_: &Call, looked: &Looked| {
        if looked.asked.len() % 20 == 1 {
            60007
        } else {
            0
        }
    };
    let looked = look(&plan(200, 200), false, &groups, code);
    assert!(
        looked.took > quick * 3 / 2,
        "{:?}, not {quick:?}",
        looked.took
    );
    assert_reported_once(&looked, &groups, PUBLIC);
}

#[test]
fn answers_are_matched_by_group_id_and_missing_groups_are_unknown() {
    let asked = names(3);
    let answered = [
        ("g2", GroupState::Missing(10010)),
        ("else", PUBLIC),
        ("g0", PUBLIC),
    ];
    let answered = answered.map(|(group, state)| (group.to_owned(), state));
    let expected = [PUBLIC, GroupState::Unknown(0), GroupState::Missing(10010)];
    let expected: Vec<_> = asked.iter().cloned().zip(expected).collect();
    assert_eq!(of_each(asked, answered.to_vec()), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the faults, it never exceeds the cap, and reports every group once.
    #[test]
    fn the_cap_holds_and_no_group_is_lost(
        count in 0..1_000_usize,
        rate in 1..60_u32,
        concurrency in 1..40_usize,
        patience in prop::sample::select(vec![0, 1_800]),
        faults in prop::collection::vec(prop::sample::select(vec![0, 0, 0, 10002, 60007, 502]), 1..50),
    ) {
        let groups = names(count);
        let code = |call: &Call, looked: &Looked| {
            // The last attempt is always answered, and so is every 97th call.
            if call.faults == 7 || call.number % 97 == 96 { 0 } else { faults[looked.asked.len() % faults.len()] }
        };
        let plan = Plan { max_outage: patience * SECOND, ..plan(rate, concurrency) };
        let mut looked = look(&plan, false, &groups, code);
        assert_reported_once(&looked, &groups, PUBLIC);
        prop_assert!(looked.asked.iter().all(|&asked| (1..=MOST).contains(&asked)));
        looked.wire.sort_unstable();
        let cap = rate as usize;
        for calls in looked.wire.windows(cap + 1) {
            prop_assert!(calls[cap] - calls[0] >= SECOND, "over the cap of {}/s", cap);
        }
    }
}
