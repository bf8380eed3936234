//! A manager's answers to what the operations endpoint asks.

use std::sync::Arc;

use super::question::{OpenQuestions, Question};
use crate::lifecycle::Input;
use crate::manager::Manager;

impl Manager {
    pub(super) fn handle_question(&mut self, question: Question) {
        let Some(running) = &mut self.running else { return };
        // None of them may still wait.
        match question {
            Question::Presence(asker) => drop(asker.send(())),
            Question::Status(asker) => self.status_requests.ask(asker),
            Question::Report(asker) => self.status_requests.questions.report(asker),
            Question::Follow(capacity, asker) => self.status_requests.questions.follow(capacity, asker),
            Question::Order(order, id, asker) => running.shell.order(&id, order).tell(asker),
            Question::Reload(asker) => running.shell.reload().tell(asker),
            Question::Handover(asker) => running.shell.hand_over().tell(asker),
            Question::Shutdown(asker) => {
                self.feed(Input::ShutdownAsked);
                let _ = asker.send(());
            }
            Question::Force(asker) => {
                self.feed(Input::ForceAsked);
                let _ = asker.send(());
            }
        }
    }

    /// Answers some of those that had to wait for it.
    pub(super) fn answer_open_questions(&mut self) {
        let (Some(running), questions) = (&mut self.running, &mut self.status_requests.questions) else {
            self.status_requests.questions = OpenQuestions::default();
            return;
        };
        let reports = questions.take_reports();
        if !reports.is_empty() {
            let report = Arc::new(running.report_so_far());
            reports.into_iter().for_each(|asker| drop(asker.send(Arc::clone(&report))));
        }
        if let Some((capacity, asker)) = questions.take_follow() {
            let _ = asker.send(running.follow(capacity));
        }
    }
}
