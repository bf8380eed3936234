//! Playing one case again, as the environment says.
//!
//! `MAJORDOMO_REHEARSE='setup of database: hang @ seed 7' cargo test NAME`

use std::env;

use super::cases::Case;

/// The variable that names a case.
const VARIABLE: &str = "MAJORDOMO_REHEARSE";

/// One case, and the random seed that its times come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replay {
    pub(super) case: String,
    pub(super) seed: u64,
}

impl Replay {
    /// What the environment says, if anything.
    ///
    /// # Panics
    /// When that cannot be meant.
    pub(super) fn asked() -> Option<Self> {
        let text = env::var_os(VARIABLE)?.into_string().unwrap_or_default();
        match Self::parse(&text) {
            Some(replay) => Some(replay),
            None => panic!(
                "{VARIABLE} is {text:?}: give what a failed case prints, such as 'setup of database: hang @ seed 7'"
            ),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (case, seed) = text.trim().rsplit_once(" @ seed ")?;
        Some(Self { case: case.to_owned(), seed: seed.parse().ok()? })
    }

    /// The line that plays a case again. `test`: the thread that rehearses is called so, as tests are.
    pub(super) fn line(case: &Case, seed: u64, test: Option<&str>) -> String {
        // For a shell.
        let case = format!("{case} @ seed {seed}").replace('\'', r"'\''");
        let test = test.filter(|test| *test != "main").map_or_else(String::new, |test| format!(" {test}"));
        format!("{VARIABLE}='{case}' cargo test{test} -- --nocapture")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::Step;
    use crate::manager::test_support::fault::{FaultKind, FaultPoint};

    #[test]
    fn what_a_failed_case_prints_is_what_is_understood() {
        let point = FaultPoint::Step { service: "a: b @ seed 3".into(), step: Step::Setup };
        let case = Case { point, kind: FaultKind::Hang };
        let line = Replay::line(&case, 7, Some("tests::mine"));
        let (said, rest) = line.strip_prefix("MAJORDOMO_REHEARSE='").unwrap().split_once('\'').unwrap();
        assert_eq!(rest, " cargo test tests::mine -- --nocapture");
        let replay = Replay::parse(said).unwrap();
        assert_eq!((replay.case, replay.seed), (case.to_string(), 7));
        for wrong in ["", "setup of a: hang", "setup of a: hang @ seed", "setup of a: hang @ seed x"] {
            assert_eq!(Replay::parse(wrong), None, "{wrong:?}");
        }
    }
}
