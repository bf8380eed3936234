//! What a scripted actor does when it gets a message.

use std::future::pending;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use crate::base::BoxError;
use crate::service::ShutdownSignal;

/// How a message is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(try_from = "String")]
pub enum Behaviour {
    /// `ok`: with `Ok`, at once.
    #[default]
    Ok,
    /// `error`: with an error, at once.
    Error,
    /// `panic`: the handler panics, and its actor dies of it.
    Panic,
    /// `async_panic`: the handler's future panics; the actor lives.
    AsyncPanic,
    /// `hang`: never.
    Hang,
    /// `slow:MS`: with `Ok`, after that many milliseconds.
    Slow(Duration),
    /// `block:MS`: with `Ok`, after blocking the thread for that many milliseconds.
    Block(Duration),
    /// `late:MS`, a word of `setup` alone: with an error until that many milliseconds after the start of the manager, with `Ok`
    /// from then on.
    Late(Duration),
    /// `until_shutdown`, a word of `setup` alone: with an error, when its signal tells it to stop.
    UntilShutdown,
}

/// How `Run` is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(try_from = "String")]
pub enum RunBehaviour {
    /// `until_shutdown`: with `Ok`, when shutdown is requested.
    #[default]
    UntilShutdown,
    /// `ignore_shutdown`: never, though `Shutdown` is answered.
    IgnoreShutdown,
    /// `error_after:MS`: with an error, after that many milliseconds.
    ErrorAfter(Duration),
    /// `panic_after:MS`: its future panics, after that many milliseconds.
    PanicAfter(Duration),
    /// Like any other message; `return` is another word for `ok`.
    As(Behaviour),
}

/// A word that no behaviour is called by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown behaviour {word:?}: known are {known} (MS: milliseconds)")]
pub struct UnknownWord {
    pub(super) word: String,
    pub(super) known: &'static str,
}

const WORDS: &str = "ok, error, panic, async_panic, hang, slow:MS, block:MS";
const SETUP_WORDS: &str = "until_shutdown, late:MS, ok, error, panic, async_panic, hang, slow:MS, block:MS";
const RUN_WORDS: &str = "until_shutdown, return, ignore_shutdown, error_after:MS, panic_after:MS, \
                         ok, error, panic, async_panic, hang, slow:MS, block:MS";

/// `slow:50` -> `("slow", 50 ms)`
fn timed(word: &str) -> Option<(&str, Duration)> {
    let (name, millis) = word.split_once(':')?;
    Some((name, Duration::from_millis(millis.parse().ok()?)))
}

impl FromStr for Behaviour {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Ok(match (word, timed(word)) {
            ("ok", _) => Self::Ok,
            ("error", _) => Self::Error,
            ("panic", _) => Self::Panic,
            ("async_panic", _) => Self::AsyncPanic,
            ("hang", _) => Self::Hang,
            (_, Some(("slow", time))) => Self::Slow(time),
            (_, Some(("block", time))) => Self::Block(time),
            _ => return Err(UnknownWord { word: word.to_owned(), known: WORDS }),
        })
    }
}

impl FromStr for RunBehaviour {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Ok(match (word, timed(word)) {
            ("until_shutdown", _) => Self::UntilShutdown,
            ("ignore_shutdown", _) => Self::IgnoreShutdown,
            ("return", _) => Self::As(Behaviour::Ok),
            (_, Some(("error_after", time))) => Self::ErrorAfter(time),
            (_, Some(("panic_after", time))) => Self::PanicAfter(time),
            _ => {
                let unknown = |_| UnknownWord { word: word.to_owned(), known: RUN_WORDS };
                Self::As(word.parse().map_err(unknown)?)
            }
        })
    }
}

impl TryFrom<String> for Behaviour {
    type Error = UnknownWord;

    fn try_from(word: String) -> Result<Self, UnknownWord> {
        word.parse()
    }
}

impl TryFrom<String> for RunBehaviour {
    type Error = UnknownWord;

    fn try_from(word: String) -> Result<Self, UnknownWord> {
        word.parse()
    }
}

impl Behaviour {
    /// The word of a `setup`.
    pub(super) fn of_setup<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = <String as serde::Deserialize>::deserialize(deserializer)?;
        match (word.as_str(), timed(&word)) {
            ("until_shutdown", _) => return Ok(Self::UntilShutdown),
            (_, Some(("late", time))) => return Ok(Self::Late(time)),
            _ => {}
        }
        word.parse().map_err(|_| serde::de::Error::custom(UnknownWord { word, known: SETUP_WORDS }))
    }

    /// What it comes to, so long after the start of the manager.
    pub(super) fn at(self, lasted: Duration) -> Self {
        match self {
            Self::Late(time) if lasted < time => Self::Error,
            Self::Late(_) => Self::Ok,
            other => other,
        }
    }

    /// The part of a handler that comes before its future; `whom` and `what` are for the messages.
    pub(super) fn begin(self, whom: &str, what: &str) {
        match self {
            Self::Panic => panic!("{whom} panics in {what}, as scripted"),
            Self::Block(time) => thread::sleep(time),
            _ => {}
        }
    }

    /// The future of a handler.
    pub(super) async fn finish(
        self,
        whom: String,
        what: &'static str,
        shutdown: ShutdownSignal,
    ) -> Result<(), BoxError> {
        match self {
            Self::UntilShutdown => {
                shutdown.requested().await;
                Err(format!("{whom} stops in {what}, as it is told to").into())
            }
            other => other.answer(whom, what).await,
        }
    }

    /// The same of a handler that nobody tells to stop: a word that waits for that is an answer at once.
    pub(super) async fn answer(self, whom: String, what: &'static str) -> Result<(), BoxError> {
        match self {
            Self::Ok | Self::UntilShutdown | Self::Late(_) | Self::Panic | Self::Block(_) => Ok(()),
            Self::Error => Err(format!("{whom} fails in {what}, as scripted").into()),
            Self::AsyncPanic => panic!("{whom} panics in the future of {what}, as scripted"),
            Self::Hang => pending().await,
            Self::Slow(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
        }
    }
}

impl RunBehaviour {
    pub(super) fn begin(self, whom: &str) {
        if let Self::As(behaviour) = self {
            behaviour.begin(whom, "run");
        }
    }

    pub(super) async fn finish(self, whom: String, shutdown: ShutdownSignal) -> Result<(), BoxError> {
        match self {
            Self::UntilShutdown => shutdown.requested().await,
            Self::IgnoreShutdown => pending().await,
            Self::ErrorAfter(time) => {
                tokio::time::sleep(time).await;
                return Behaviour::Error.finish(whom, "run", shutdown).await;
            }
            Self::PanicAfter(time) => {
                tokio::time::sleep(time).await;
                return Behaviour::AsyncPanic.finish(whom, "run", shutdown).await;
            }
            Self::As(behaviour) => return behaviour.finish(whom, "run", shutdown).await,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_word_is_understood_and_no_other() {
        for word in WORDS.replace("MS", "5").split(", ") {
            word.parse::<Behaviour>().unwrap();
        }
        for word in RUN_WORDS.replace("MS", "5").split(", ") {
            word.parse::<RunBehaviour>().unwrap();
        }
        for word in ["", "OK", "slow", "slow:", "slow:-1", "until_shutdown", "error_after:1"] {
            let error = word.parse::<Behaviour>().unwrap_err().to_string();
            assert!(error.contains(&format!("{word:?}")) && error.contains("slow:MS"), "{error}");
        }
    }
}
