//! Requests over HTTP, by method, route and status.
//!
//! Each worker has a table of its own; scraped, they are added up, and what a worker counted that is gone is kept.
//!
//! What makes a series is the program's choice (routes, statuses) or one of a few words. A program that names its routes by what peers
//! send is held to [`SERIES`] in each table: all beyond that are one route, `_OTHER`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use slab::Slab;

use super::facts::RequestFacts;
use super::histogram::Totals;
use super::kind::{Kind, OTHER};
use super::lock::lock;
use super::methods::Ended;
use crate::base::EndedBy;

/// How many series a table has.
const SERIES: usize = 2000;

type Kinds = HashMap<Kind, Totals, foldhash::fast::RandomState>;

/// Routes are a program's own; `None` is that of requests that nobody names.
#[derive(Debug, Default)]
struct Table {
    unnamed: Kinds,
    routes: HashMap<Box<str>, Kinds, foldhash::fast::RandomState>,
    series: usize,
    ended: Ended,
}

/// The tables of all servers.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    tables: Slab<Arc<Mutex<Table>>>,
    /// Of workers, and servers, that are gone.
    past: Table,
}

/// What has been counted so far.
#[derive(Debug, Default)]
pub(super) struct RequestTotals {
    pub(super) series: BTreeMap<(Option<Box<str>>, Kind), Totals>,
    pub(super) ended: Ended,
}

impl Requests {
    pub(super) fn totals(&self) -> RequestTotals {
        let mut all = RequestTotals::default();
        all.add(&self.past);
        for (_, table) in &self.tables {
            all.add(&lock(table));
        }
        all
    }
}

impl RequestTotals {
    fn add(&mut self, table: &Table) {
        let unnamed = table.unnamed.iter().map(|(kind, totals)| (None, kind, totals));
        let named = table.routes.iter().flat_map(|(route, kinds)| {
            kinds.iter().map(move |(kind, totals)| (Some(route.clone()), kind, totals))
        });
        for (route, kind, totals) in unnamed.chain(named) {
            self.series.entry((route, *kind)).or_default().merge(totals);
        }
        self.ended.iter_mut().zip(table.ended).for_each(|(all, more)| *all += more);
    }
}

impl Table {
    /// Adds to a series, which is that of all others where there are too many.
    fn series(&mut self, route: Option<&str>, kind: Kind, add: impl FnOnce(&mut Totals)) {
        let of_route = match route {
            None => Some(&mut self.unnamed),
            Some(route) => self.routes.get_mut(route),
        };
        if let Some(known) = of_route.and_then(|kinds| kinds.get_mut(&kind)) {
            return add(known);
        }
        let route = if self.series < SERIES { route } else { Some(OTHER) };
        self.series += 1;
        let kinds = match route {
            None => &mut self.unnamed,
            Some(route) => self.routes.entry(route.into()).or_default(),
        };
        add(kinds.entry(kind).or_default());
    }

    fn merge(&mut self, other: &Self) {
        let mut totals = RequestTotals::default();
        totals.add(other);
        for ((route, kind), more) in totals.series {
            self.series(route.as_deref(), kind, |series| series.merge(&more));
        }
        self.ended.iter_mut().zip(other.ended).for_each(|(all, more)| *all += more);
    }
}

/// Counts the requests of a server on one worker. Clones count into the same table.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestMeter(Option<Arc<On>>);

#[derive(Debug)]
struct On {
    table: Arc<Mutex<Table>>,
    key: usize,
    all: Arc<Mutex<Requests>>,
}

impl RequestMeter {
    pub(super) fn new(all: &Arc<Mutex<Requests>>) -> Self {
        let table = Arc::<Mutex<Table>>::default();
        let key = lock(all).tables.insert(Arc::clone(&table));
        Self(Some(Arc::new(On { table, key, all: Arc::clone(all) })))
    }

    /// Whether anything is counted.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A request is over.
    pub(crate) fn ended<'a>(&self, by: EndedBy, facts: impl FnOnce() -> RequestFacts<'a>) {
        let Some(on) = &self.0 else { return };
        let facts = facts();
        let kind = Kind::of(&facts, by);
        let mut table = lock(&on.table);
        table.series(facts.route, kind, |series| series.add(facts.took));
        if by != EndedBy::Handler {
            table.ended[by as usize] += 1;
        }
    }
}

impl Drop for On {
    fn drop(&mut self) {
        let mut requests = lock(&self.all);
        if let Some(table) = requests.tables.try_remove(self.key) {
            requests.past.merge(&lock(&table));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Method, StatusCode, Version};

    use super::*;

    fn request<'a>(method: &'a Method, route: Option<&'a str>) -> RequestFacts<'a> {
        let (status, took) = (Some(StatusCode::OK), Duration::from_millis(1));
        RequestFacts { method, route, secure: false, version: Version::HTTP_11, status, is_whole: true, took }
    }

    fn count(meter: &RequestMeter, facts: RequestFacts<'_>) {
        meter.ended(EndedBy::Handler, || facts);
    }

    #[test]
    fn g17_methods_that_a_peer_invents_are_one_and_routes_without_end_are_bounded() {
        let all = Arc::<Mutex<Requests>>::default();
        let meter = RequestMeter::new(&all);
        for at in 0..1000 {
            count(&meter, request(&Method::from_bytes(format!("M{at}").as_bytes()).unwrap(), None));
        }
        assert_eq!(lock(&all).totals().series.len(), 1);
        for at in 0..10 * SERIES {
            count(&meter, request(&Method::GET, Some(&format!("/{at}"))));
        }
        let totals = lock(&all).totals().series;
        assert_eq!(totals.len(), SERIES + 1);
        let others = totals.iter().find(|((route, _), _)| route.as_deref() == Some(OTHER)).unwrap();
        assert_eq!(others.1.count(), 9 * SERIES as u64 + 1);
    }

    #[test]
    fn what_was_counted_outlasts_its_worker() {
        let all = Arc::<Mutex<Requests>>::default();
        let meter = RequestMeter::new(&all);
        let status = Some(StatusCode::INTERNAL_SERVER_ERROR);
        meter.ended(EndedBy::Panic, || RequestFacts { status, ..request(&Method::GET, Some("/a")) });
        drop(meter);
        let totals = lock(&all).totals();
        let ((route, kind), series) = totals.series.first_key_value().unwrap();
        assert_eq!(
            (route.as_deref(), kind.status(), kind.error(), series.count()),
            (Some("/a"), 500, None, 1)
        );
        assert_eq!(totals.ended[EndedBy::Panic as usize], 1);
    }
}
