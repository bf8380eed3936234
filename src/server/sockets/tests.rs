//! G19 and G24 of sockets that a server of other make accepts from.

use std::net::TcpStream;
use std::sync::mpsc::channel;

use super::*;
use crate::service::{Deadlines, Role};

#[test]
fn g24_a_server_that_accepts_by_itself_says_at_once_that_it_gave_way() {
    let (tell, told) = channel();
    let socket = ServerSocket::new("127.0.0.1:0");
    let on_notice = Arc::new(move |notice| tell.send(notice).unwrap());
    socket.0.connect(on_notice, &Workers::new(None), &Meter::default());
    for _ in 0..2 {
        socket.0.give_way();
        assert!(matches!(told.try_recv(), Ok(ServerNotice::GaveWay)));
        socket.0.resume();
        assert!(told.try_recv().is_err());
    }
    assert!(!socket.is_closing());
}

#[tokio::test]
async fn g19_who_is_connected_can_be_accepted_and_others_are_refused() {
    let socket = ServerSocket::new("127.0.0.1:0");
    let bound = socket.bind(&ShutdownSignal::new(Arc::<Deadlines>::default(), Role::Service)).await.unwrap();
    let mut sockets = bound.listen().unwrap();
    let at = sockets.addresses()[0].as_tcp().unwrap();
    let mut listeners = sockets.take_listeners();
    let Some(StdListener::Tcp(listener)) = listeners.pop() else { panic!("it is TCP") };
    let (first, second) = (TcpStream::connect(at).unwrap(), TcpStream::connect(at).unwrap());
    let refusing = tokio::spawn(async move {
        sockets.refuse_new().await;
        sockets
    });
    while TcpStream::connect(at).is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!refusing.is_finished(), "two wait to be accepted");
    let accepted = std::iter::from_fn(|| listener.accept().ok()).count();
    assert!(accepted >= 2, "{accepted}");
    drop(refusing.await.unwrap());
    drop((first, second));
}
