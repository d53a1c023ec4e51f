//! Which row a line settles: all that a resumed run has to know of millions of lines.
//!
//! Lines as this crate writes them are read by their shape, several times quicker than as any
//! JSON. Every other one (escaped, from another version, edited by hand) goes the usual way, which
//! the quick one never contradicts.

use std::borrow::Cow;

use memchr::memchr2;
use serde::Deserialize;

use crate::outcome::Outcome;

/// The part of an entry that tells which row it settles.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Settled<'a> {
    /// The line of the input on which the row starts.
    pub row: u64,
    /// The input that it stands in; empty where the run had but one.
    #[serde(borrow, default)]
    pub input: Cow<'a, str>,
    /// `GroupId`.
    #[serde(borrow)]
    pub group: Cow<'a, str>,
    /// `Sender_Account`.
    #[serde(borrow)]
    pub sender: Cow<'a, str>,
    /// `TopicId`.
    #[serde(borrow)]
    pub topic: Cow<'a, str>,
    /// What became of the row.
    pub outcome: Outcome,
    /// The reason, for an invalid row.
    #[serde(borrow)]
    pub info: Cow<'a, str>,
}

impl<'a> Settled<'a> {
    /// What a line of a ledger settles, its line feed included; none where it holds no entry.
    pub(super) fn of_line(line: &'a [u8]) -> Option<Self> {
        by_shape(line).or_else(|| serde_json::from_slice(line).ok())
    }
}

/// Reads a line that is, to the byte, as this crate writes it, and holds no escape.
fn by_shape(line: &[u8]) -> Option<Settled<'_>> {
    let (b'\n', line) = line.split_last()? else {
        return None;
    };
    // JSON allows no control character in a text. All bytes are looked at, which is
    // quicker than to stop at the first such one.
    if line
        .iter()
        .fold(0, |any, byte| any | u8::from(*byte < b' '))
        > 0
    {
        return None;
    }
    let mut line = Line(str::from_utf8(line).ok()?);
    line.pass("{\"row\":")?;
    let row = line.number()?;
    let input = match line.pass(",\"input\":\"") {
        Some(()) => line.text()?.into(),
        None => "".into(),
    };
    line.pass(",\"group\":\"")?;
    let group = line.text()?.into();
    line.pass(",\"sender\":\"")?;
    let sender = line.text()?.into();
    line.pass(",\"topic\":\"")?;
    let topic = line.text()?.into();
    line.pass(",\"outcome\":\"")?;
    let outcome = match line.text()? {
        "recalled" => Outcome::Recalled,
        "failed" => Outcome::Failed,
        "invalid" => Outcome::Invalid,
        "skipped" => Outcome::Skipped,
        _ => return None,
    };
    line.pass(",\"code\":")?;
    let _negative = line.pass("-");
    line.number()?;
    line.pass(",\"info\":\"")?;
    let info = line.text()?.into();
    line.pass(",\"attempts\":")?;
    line.number()?;
    if line.pass(",\"sent_at\":\"").is_some() {
        line.text()?;
    }
    if line.pass(",\"ms\":").is_some() {
        line.number()?;
    }
    (line.0 == "}").then_some(Settled {
        row,
        input,
        group,
        sender,
        topic,
        outcome,
        info,
    })
}

/// What is left of a line.
struct Line<'a>(&'a str);

impl<'a> Line<'a> {
    fn pass(&mut self, literal: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    /// A number without sign, fraction or leading zero.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        let mut digits = 0;
        for digit in self.0.bytes().take_while(u8::is_ascii_digit) {
            number = number
                .checked_mul(10)?
                .checked_add(u64::from(digit - b'0'))?;
            digits += 1;
        }
        if digits == 0 || digits > 1 && self.0.starts_with('0') {
            return None;
        }
        self.0 = &self.0[digits..];
        Some(number)
    }

    /// A text up to its closing quote, which is passed; none where there is an escape.
    fn text(&mut self) -> Option<&'a str> {
        let end = memchr2(b'"', b'\\', self.0.as_bytes())?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix('"')?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Entry;
    use proptest::prelude::*;

    fn usual(line: &[u8]) -> Option<Settled<'_>> {
        serde_json::from_slice(line).ok()
    }

    fn line(entry: &Entry<'_>) -> Vec<u8> {
        let mut line = serde_json::to_vec(entry).expect("plain data");
        line.push(b'\n');
        line
    }

    prop_compose! {
        fn any_entry()(
            row: u64,
            input in prop_oneof![Just(""), Just("b.csv"), Just("\"é\".csv")],
            ids in prop::array::uniform4("[ -~é\\n]{0,6}"),
            outcome in prop::sample::select(vec![Outcome::Recalled, Outcome::Failed, Outcome::Invalid, Outcome::Skipped]),
            code: i64,
            attempts: u32,
            at in prop::option::of(0i64..4_000_000_000),
            ms: Option<u64>,
        ) -> Entry<'static> {
            let [group, sender, topic, info] = ids.map(Cow::Owned);
            let sent_at = at.map(|at| jiff::Timestamp::from_second(at).expect("in range"));
            Entry { row, input: input.into(), group, sender, topic, outcome, code, info, attempts, sent_at, ms }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_this_crate_writes_is_read_by_its_shape_unless_it_has_escapes(entry in any_entry()) {
            let line = line(&entry);
            let escapes = line.contains(&b'\\');
            prop_assert_eq!(by_shape(&line).is_some(), !escapes);
            prop_assert_eq!(Settled::of_line(&line), usual(&line));
        }

        #[test]
        fn damage_is_never_read_as_more_than_it_is(
            entry in any_entry(),
            at: prop::sample::Index,
            with in prop::collection::vec(any::<u8>(), 0..3),
            cut in 0usize..3,
        ) {
            let mut line = line(&entry);
            let at = at.index(line.len());
            let end = (at + cut).min(line.len());
            line.splice(at..end, with);
            if let Some(settled) = by_shape(&line) {
                prop_assert_eq!(Some(settled), usual(&line));
            }
        }
    }

    #[test]
    fn lines_of_other_shapes_are_entries_too() {
        let spaced = br#" { "outcome":"failed", "row" : 7, "group":"g\u0041","sender":"s","topic":"","info":"", "more":[1] }
"#;
        let settled = Settled::of_line(spaced).expect("JSON all the same");
        assert_eq!((settled.row, &*settled.group), (7, "gA"));
    }
}
