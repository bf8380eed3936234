//! A thread for actors: an actix arbiter, watched.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use actix_rt::{Arbiter, ArbiterHandle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::dispatcher::{DefaultGuard, Dispatch};

use super::batch::{Job, Post};
use super::dispatch;
use super::vigil::Vigil;
use super::watch::Watch;

thread_local! {
    /// Dropped when the thread ends: only then has its runtime dropped every task, tokio's as well as ours.
    static AT_THREAD_END: RefCell<Option<AtThreadEnd>> = const { RefCell::new(None) };
}

/// What a thread lets go of in the end, in this order.
struct AtThreadEnd {
    _dispatch: Option<DefaultGuard>,
    _over: DropGuard,
}

/// Numbers threads.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// An arbiter of ours.
#[derive(Debug)]
pub(crate) struct Thread {
    arbiter: ArbiterHandle,
    post: Post,
    watch: Arc<Watch>,
    over: CancellationToken,
    name: Arc<OnceLock<Arc<str>>>,
    /// Where log events of its actors go, if that is not where those of the thread go.
    dispatch: Option<Dispatch>,
}

impl Thread {
    /// Starts a thread whose log events go there, and which is looked at from its home, if at all. Must be called on a thread
    /// of an actix system.
    pub(super) fn start(
        dispatch: &Dispatch,
        vigil: Option<&Arc<Vigil>>,
        home: &ArbiterHandle,
    ) -> io::Result<Self> {
        let (over, watch) = (CancellationToken::new(), Arc::<Watch>::default());
        let arbiter = match vigil {
            Some(vigil) => vigil.arbiter(&watch, home, over.clone())?,
            None => Arbiter::try_new()?,
        };
        let arbiter = arbiter.handle();
        let (dispatch, guard) = (dispatch.clone(), over.clone().drop_guard());
        let name = Arc::<OnceLock<Arc<str>>>::default();
        let tell_name = Arc::clone(&name);
        arbiter.spawn_fn(move || {
            let _ = tell_name.set(name_of_this());
            AT_THREAD_END.set(Some(AtThreadEnd { _dispatch: dispatch::adopt(&dispatch), _over: guard }));
        });
        let post = Post::new(NEXT.fetch_add(1, Ordering::Relaxed), arbiter.clone());
        Ok(Self { arbiter, post, watch, over, name, dispatch: None })
    }

    /// The thread that this is called on, an arbiter's. It is somebody else's, and never ended.
    pub(super) fn this(dispatch: &Dispatch) -> Self {
        let arbiter = Arbiter::current();
        Self {
            post: Post::new(NEXT.fetch_add(1, Ordering::Relaxed), arbiter.clone()),
            arbiter,
            watch: Arc::default(),
            over: CancellationToken::new(),
            name: Arc::new(OnceLock::from(name_of_this())),
            dispatch: dispatch::listens(dispatch).then(|| dispatch.clone()),
        }
    }

    /// Where log events of its actors go, if that is not where those of the thread go.
    pub(super) fn dispatch(&self) -> Option<&Dispatch> {
        self.dispatch.as_ref()
    }

    /// What the operating system calls it, once it runs.
    pub(crate) fn name(&self) -> Option<Arc<str>> {
        self.name.get().cloned()
    }

    pub(crate) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// The way to it.
    pub(super) fn post(&self) -> Post {
        self.post.clone()
    }

    pub(super) fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.post.send(Job::Run(Box::new(job)));
    }

    /// Ends the thread once its current poll returns, with every task on it.
    pub(super) fn stop(&self) {
        self.arbiter.stop();
    }

    /// Resolves when the thread has dropped its tasks and ended.
    pub(super) fn over(&self) -> impl Future<Output = ()> + use<> {
        self.over.clone().cancelled_owned()
    }
}

/// What the operating system calls this thread.
fn name_of_this() -> Arc<str> {
    std::thread::current().name().unwrap_or("a thread").into()
}
