//! What connections speak: HTTP/2, or HTTP/1.1 and HTTP/2, whichever a peer begins with.

use std::future::Future;
use std::pin::Pin;

use hyper::rt::{Read, Write};
use hyper::server::conn::http2;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;

use crate::server::application::Application;
use crate::server::connection::requests::Requests;
use crate::server::options::EngineOptions;
use crate::server::worker::stream_executor::StreamExecutor;

/// What the connections of a server speak.
#[derive(Debug, Clone)]
pub(crate) enum Protocol {
    Http2(http2::Builder<StreamExecutor>),
    Either(auto::Builder<StreamExecutor>),
}

/// Sets what HTTP/2 goes by: hyper's builders of it are two types with the same methods.
macro_rules! http2_options {
    ($http:expr, $options:expr) => {
        $http
            .timer(TokioTimer::new())
            .max_concurrent_streams($options.max_concurrent_streams)
            .keep_alive_interval($options.keepalive_interval)
            .keep_alive_timeout($options.effective_keepalive_timeout())
            .initial_stream_window_size($options.stream_window_size())
            .initial_connection_window_size($options.connection_window_size())
            .adaptive_window($options.adaptive_window)
            .max_frame_size($options.max_frame_size)
            .max_header_list_size($options.max_header_list_size)
    };
}

impl Protocol {
    pub(crate) fn new(options: &EngineOptions, streams: StreamExecutor) -> Self {
        if options.http1.is_none() {
            let mut http = http2::Builder::new(streams);
            http2_options!(http, options).auto_date_header(false);
            return Self::Http2(http);
        }
        let mut http = auto::Builder::new(streams);
        http.http1()
            // Heads have their time from us, which answers who is late.
            .header_read_timeout(None)
            .max_buf_size((options.max_header_list_size as usize).max(LEAST_BUFFER))
            // Who closes its side is gone: its handler is dropped, as over HTTP/2.
            .half_close(false)
            .keep_alive(true);
        http2_options!(http.http2(), options);
        Self::Either(http)
    }
}

/// hyper's least.
const LEAST_BUFFER: usize = 8192;

/// hyper's connections.
pub(crate) trait HttpConnection: Future {
    /// Has it end when what is open on it is answered.
    fn graceful_shutdown(self: Pin<&mut Self>);
}

impl<I, A> HttpConnection for http2::Connection<I, Requests<A>, StreamExecutor>
where
    I: Read + Write + Unpin,
    A: Application,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        Self::graceful_shutdown(self);
    }
}

impl<I, A> HttpConnection for auto::UpgradeableConnection<'_, I, Requests<A>, StreamExecutor>
where
    I: Read + Write + Unpin + Send + 'static,
    A: Application,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        Self::graceful_shutdown(self);
    }
}
