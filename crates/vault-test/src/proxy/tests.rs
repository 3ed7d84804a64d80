use super::*;
use std::time::Duration;
use tokio::time::timeout;

/// Long enough for anything on loopback; ends a test that would hang.
const LONG: Duration = Duration::from_secs(20);

/// A server that answers what it hears, and a proxy before it.
async fn echo() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.into_split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    Proxy::start(address, 1).await.unwrap()
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.endpoint()).await.unwrap()
}

/// What comes back of what is said, up to `length` bytes or the end.
async fn say(stream: &mut TcpStream, said: &[u8], length: usize) -> Vec<u8> {
    stream.write_all(said).await.unwrap();
    let mut heard = Vec::new();
    let all = stream.take(length as u64);
    let read = timeout(LONG, async {
        let mut all = all;
        // A cut may be an error or an end.
        let _ = all.read_to_end(&mut heard).await;
    });
    read.await.expect("an answer or an end");
    heard
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    let read = timeout(LONG, stream.read(&mut byte)).await;
    matches!(read.expect("an end"), Ok(0) | Err(_))
}

#[tokio::test]
async fn forwards_slowly_or_in_small_pieces_and_loses_nothing() {
    let proxy = echo().await;
    let message: Vec<u8> = (0..2000).map(|i| i as u8).collect();
    for mode in [
        Mode::Forward,
        Mode::Delay(Duration::from_millis(1)),
        Mode::Trickle {
            bytes: 37,
            every: Duration::from_micros(10),
        },
    ] {
        proxy.set(mode);
        let mut stream = connect(&proxy).await;
        assert_eq!(say(&mut stream, &message, message.len()).await, message);
    }
    assert_eq!(proxy.accepted(), 3);
}

#[tokio::test]
async fn cuts_a_connection_behind_the_byte_that_was_said() {
    let proxy = echo().await;
    proxy.set(Mode::CutAfter(10));
    let mut stream = connect(&proxy).await;
    assert_eq!(say(&mut stream, b"0123456789", 10).await, b"0123456789");
    // The eleventh byte finds the connection cut, in whichever direction it comes first.
    let _ = stream.write_all(b"a").await;
    assert!(is_closed(&mut stream).await);
}

#[tokio::test]
async fn refuses_new_connections_and_cuts_those_that_stand() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    assert_eq!(say(&mut stream, b"a", 1).await, b"a");
    proxy.set(Mode::Refuse);
    assert!(is_closed(&mut stream).await);
    assert!(is_closed(&mut connect(&proxy).await).await);
    proxy.set(Mode::Forward);
    assert_eq!(say(&mut connect(&proxy).await, b"a", 1).await, b"a");
}

#[tokio::test]
async fn a_paused_connection_goes_on_where_it_was() {
    let proxy = echo().await;
    for mode in [Mode::Pause, Mode::HalfOpen] {
        let mut stream = connect(&proxy).await;
        assert_eq!(say(&mut stream, b"a", 1).await, b"a");
        proxy.set(mode);
        stream.write_all(b"b").await.unwrap();
        let mut byte = [0];
        let early = timeout(Duration::from_millis(50), stream.read(&mut byte)).await;
        assert!(early.is_err(), "{mode:?}");
        proxy.set(Mode::Forward);
        timeout(LONG, stream.read_exact(&mut byte))
            .await
            .expect("an answer")
            .unwrap();
        assert_eq!(&byte, b"b");
    }
}

#[tokio::test]
async fn cut_ends_what_stands_and_redirect_is_for_what_comes() {
    let (proxy, other) = (echo().await, echo().await);
    let mut stream = connect(&proxy).await;
    assert_eq!(say(&mut stream, b"a", 1).await, b"a");
    proxy.redirect(other.endpoint());
    assert_eq!(say(&mut stream, b"b", 1).await, b"b");
    proxy.cut();
    assert!(is_closed(&mut stream).await);
    assert_eq!(other.accepted(), 0);
    assert_eq!(say(&mut connect(&proxy).await, b"c", 1).await, b"c");
    assert_eq!(other.accepted(), 1);
}

#[test]
fn one_seed_is_one_schedule_and_holds_every_kind() {
    let modes = |seed| schedule(seed).take(200).collect::<Vec<_>>();
    assert_eq!(modes(7), modes(7));
    assert_ne!(modes(7), modes(8));
    let has = |kind: fn(&Mode) -> bool| modes(7).iter().any(kind);
    assert!(has(|mode| *mode == Mode::Forward));
    assert!(has(|mode| matches!(mode, Mode::CutAfter(_))));
    assert!(has(|mode| matches!(mode, Mode::Delay(_))));
    assert!(has(|mode| matches!(mode, Mode::Trickle { .. })));
}
