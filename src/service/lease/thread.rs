//! The thread that keeps leases: no code of users runs on it, so that it is there when a lease ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::agenda::Agenda;
use super::answers::{Answers, Teller, answers};
use super::checks::{Checks, Subject};
use super::errors::{LeaseLostError, LeaseRefusedError};
use super::news::LeaseNews;
use super::spec::Lease;
use super::stores::{Stores, runtime};
use super::tenant::{Tenant, Told};
use super::view::{ViewReceiver, ViewSender, lease_view};
use crate::base::boot_clock::{self, BootTimer};
use crate::base::{Name, ThreadError, spawn_with};
use crate::lifecycle::{Act, Call, LeaseTerms, Loss, ServiceIx, StoreReply};
use crate::process;

enum Order {
    Check { ix: ServiceIx, subject: Subject, within: Duration },
    Seek { ix: ServiceIx, service: Name, lease: Lease, terms: LeaseTerms, view: ViewSender },
    Return(ServiceIx),
    Leave(ServiceIx),
}

/// The way to the thread. Bound: of each service an order or two wait, since the rules give none before the last was answered.
/// When it is dropped, what is held lapses: the process ends before that, unless it ended anyway.
pub(crate) struct Leases(mpsc::UnboundedSender<Order>);

impl Leases {
    /// Starts both threads. `tell` is called on the thread of leases, and must not block.
    ///
    /// # Errors
    /// When the operating system refuses them.
    pub(crate) fn start(tell: impl Fn(ServiceIx, LeaseNews) + Send + 'static) -> Result<Self, ThreadError> {
        let (orders, received) = mpsc::unbounded_channel();
        let stores = Stores::start()?;
        let make = || {
            let runtime = runtime()?;
            let timer = {
                let _entered = runtime.enter();
                BootTimer::new()?
            };
            Ok((runtime, timer))
        };
        spawn_with(
            "leases",
            "majordomo-leases".to_owned(),
            make,
            move |(runtime, timer): (Runtime, BootTimer)| {
                let (teller, answers) = answers();
                let (tenants, agenda) = (BTreeMap::new(), Agenda::default());
                let (checks, tell) = (Checks::new(), Box::new(tell));
                let keepers = Keepers { tenants, agenda, checks, stores, teller, number: 0, tell };
                runtime.block_on(keepers.keep(received, answers, timer));
            },
        )?;
        Ok(Self(orders))
    }

    /// Asks a lease's store whether it can be used.
    pub(crate) fn check(&self, ix: ServiceIx, service: Name, lease: Lease, terms: LeaseTerms) {
        let _ = self.0.send(Order::Check { ix, subject: Subject { service, lease }, within: terms.check() });
    }

    /// Asks for a lease until it is granted or refused. What comes back shows what is known of it.
    pub(crate) fn seek(&self, ix: ServiceIx, service: Name, lease: Lease, terms: LeaseTerms) -> ViewReceiver {
        let (view, seen) = lease_view();
        let _ = self.0.send(Order::Seek { ix, service, lease, terms, view });
        seen
    }

    /// Asks no more, or gives it back.
    pub(crate) fn give_back(&self, ix: ServiceIx) {
        let _ = self.0.send(Order::Return(ix));
    }

    /// Lets it lapse, since something that needed it may still run.
    pub(crate) fn leave(&self, ix: ServiceIx) {
        let _ = self.0.send(Order::Leave(ix));
    }
}

struct Keepers {
    tenants: BTreeMap<ServiceIx, Tenant>,
    agenda: Agenda,
    checks: Checks,
    stores: Stores,
    teller: Arc<Teller<Told>>,
    /// Of the latest request. What is told of an earlier one is told apart by it.
    number: u64,
    tell: Box<dyn Fn(ServiceIx, LeaseNews) + Send>,
}

impl Keepers {
    async fn keep(
        mut self,
        mut orders: mpsc::UnboundedReceiver<Order>,
        mut answers: Answers<Told>,
        timer: BootTimer,
    ) {
        let mut has_manager = true;
        while has_manager || !self.tenants.is_empty() {
            let due = self.agenda.first().into_iter().chain(self.checks.first()).min();
            let mut order = None;
            tokio::select! {
                // What is due stands behind nothing.
                biased;
                () = timer.at(due) => {}
                given = orders.recv(), if has_manager => {
                    has_manager = given.is_some();
                    order = Some(given);
                }
                () = answers.told() => {}
            }
            // First what was told: it decides what is due.
            answers.take().into_iter().for_each(|told| self.hear(told));
            match order {
                Some(Some(order)) => self.obey(order),
                Some(None) => self.lapse(),
                None => {}
            }
            self.do_what_is_due();
            self.stores.hand_over();
        }
    }

    fn obey(&mut self, order: Order) {
        let now = boot_clock::now();
        match order {
            Order::Check { ix, subject, within } => {
                self.number += 1;
                let until = now + within;
                self.checks.ask((ix, self.number), subject, until, &mut self.stores, &self.teller);
            }
            Order::Seek { ix, service, lease, terms, view } => {
                let mut tenant = Tenant::new(service, lease, terms, holder(), view);
                tenant.keeper.seek(now);
                self.tenants.insert(ix, tenant);
                self.with(ix, |_, _| {});
            }
            Order::Return(ix) => self.with(ix, |tenant, acts| tenant.keeper.give(acts)),
            Order::Leave(ix) => self.with(ix, |tenant, _| tenant.keeper.leave()),
        }
    }

    /// The manager is gone: nobody will give anything back.
    fn lapse(&mut self) {
        for ix in self.tenants.keys().copied().collect::<Vec<_>>() {
            self.with(ix, |tenant, acts| {
                tenant.keeper.leave();
                tenant.keeper.give(acts);
            });
        }
    }

    fn hear(&mut self, told: Told) {
        let (now, jitter) = (boot_clock::now(), fastrand::f64());
        match told {
            Told::Answer { ix, number, answer } => {
                let mut is_taken = false;
                self.with(ix, |tenant, acts| {
                    if let Some(call) = tenant.take_open(number) {
                        let reply = tenant.reply(call, answer, now);
                        is_taken = call == Call::Acquire && matches!(reply, StoreReply::Taken(_));
                        tenant.keeper.answered(call, reply, now, jitter, acts);
                    }
                });
                if is_taken && let Some(tenant) = self.tenants.get_mut(&ix) {
                    self.number += 1;
                    tenant.watch((ix, self.number), &mut self.stores, &self.teller);
                }
            }
            Told::Checked { ix, number, answer } => {
                if let Some(news) = self.checks.answered(ix, number, &answer) {
                    (self.tell)(ix, news);
                }
            }
            Told::Hint { ix, number } => self.with(ix, |tenant, _| {
                if tenant.take_watch(number) {
                    tenant.keeper.hint(now);
                }
            }),
        }
    }

    fn do_what_is_due(&mut self) {
        let (now, asked) = (boot_clock::now(), self.number);
        for ix in self.checks.overdue(now) {
            (self.tell)(ix, LeaseNews::Checked);
        }
        for ix in self.agenda.until(now) {
            self.with(ix, |tenant, acts| {
                if let Some(call) = tenant.take_overdue(now) {
                    tenant.keeper.answered(call, StoreReply::Away, now, fastrand::f64(), acts);
                }
                tenant.keeper.due_now(now, acts);
            });
        }
        if self.number == asked {
            return;
        }
        // One asks, so that others may: a thousand leases wake this thread as often as one.
        let all = self.tenants.iter().filter(|(_, tenant)| tenant.keeper.may_accompany(now));
        let others: Vec<_> = all.map(|(ix, _)| *ix).collect();
        for ix in others {
            self.with(ix, |tenant, acts| tenant.keeper.accompany(now, acts));
        }
    }

    /// Has something happen to a lease, and does what follows.
    fn with(&mut self, ix: ServiceIx, happens: impl FnOnce(&mut Tenant, &mut Vec<Act>)) {
        let Some(tenant) = self.tenants.get_mut(&ix) else { return };
        let mut acts = Vec::new();
        happens(tenant, &mut acts);
        tenant.show_until();
        for act in acts {
            self.carry_out(ix, act);
        }
        self.agenda.set(ix, self.tenants.get(&ix).and_then(Tenant::wakes_at));
    }

    fn carry_out(&mut self, ix: ServiceIx, act: Act) {
        let Some(tenant) = self.tenants.get_mut(&ix) else { return };
        let (service, lease) = (tenant.service.clone(), Name::clone(&tenant.lease.name));
        let news = match act {
            Act::Send(call) => {
                self.number += 1;
                tenant.send((ix, self.number), call, boot_clock::now(), &mut self.stores, &self.teller);
                return;
            }
            Act::Acquired(epoch) => {
                tenant.trouble = None;
                LeaseNews::Acquired(epoch)
            }
            Act::Lost(Loss::Taken) => {
                LeaseNews::Lost(LeaseLostError::Taken { service, lease, error: tenant.trouble() })
            }
            Act::Lost(Loss::Late) => {
                LeaseNews::Lost(LeaseLostError::Late { service, lease, error: tenant.trouble() })
            }
            Act::Expired => LeaseNews::Expired,
            Act::Refused => {
                let error = tenant.trouble();
                self.tenants.remove(&ix);
                LeaseNews::Refused(LeaseRefusedError { service, lease, error })
            }
            Act::Returned => {
                self.tenants.remove(&ix);
                LeaseNews::Returned
            }
            Act::EndProcess => end_process(service, lease, tenant.end_within()),
        };
        (self.tell)(ix, news);
    }
}

/// Something still runs that others may run from here on.
fn end_process(service: Name, lease: Name, limit: Duration) -> ! {
    let text = move || {
        format!(
            "majordomo: {service} still runs, and its lease {lease:?} ends: its thread is blocked, or its manager's is. \
             The process ends with exit code 3, so that another replica can run it; move blocking work to spawn_blocking"
        )
    };
    process::end_within(limit, 3, Box::new(text))
}

/// Who asks: for people the host and the process, and for the store nobody else.
fn holder() -> String {
    let host = gethostname::gethostname();
    format!("{}/{}/{}", host.to_string_lossy(), std::process::id(), uuid::Uuid::new_v4().simple())
}
