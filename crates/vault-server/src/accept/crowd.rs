//! Who is connected from where: one address never has more than half of the connections, nor of
//! the handshakes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All guests.
pub(super) struct Crowd {
    most_of_one: usize,
    handshakes_of_one: usize,
    handshakes: Arc<Semaphore>,
    guests: Mutex<HashMap<IpAddr, Guest>>,
}

struct Guest {
    connections: usize,
    handshakes: Arc<Semaphore>,
}

/// One connection of a guest; counted until it is dropped.
pub(super) struct Ticket {
    crowd: Arc<Crowd>,
    from: IpAddr,
    own: Arc<Semaphore>,
}

impl Crowd {
    pub(super) fn new(connections: usize, handshakes: usize) -> Arc<Self> {
        Arc::new(Self {
            most_of_one: connections.div_ceil(2),
            handshakes_of_one: handshakes.div_ceil(2),
            handshakes: Arc::new(Semaphore::new(handshakes)),
            guests: Mutex::default(),
        })
    }

    /// Counts a connection; `None` if its address has too many.
    pub(super) fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Ticket> {
        let from = neighbourhood(from);
        let mut guests = self.guests();
        let guest = guests.entry(from).or_insert_with(|| Guest {
            connections: 0,
            handshakes: Arc::new(Semaphore::new(self.handshakes_of_one)),
        });
        if guest.connections >= self.most_of_one {
            return None;
        }
        guest.connections += 1;
        Some(Ticket {
            crowd: self.clone(),
            from,
            own: guest.handshakes.clone(),
        })
    }

    fn guests(&self) -> MutexGuard<'_, HashMap<IpAddr, Guest>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Waits for the turn to be attested.
    pub(super) async fn handshake(&self) -> Option<[OwnedSemaphorePermit; 2]> {
        let own = self.own.clone().acquire_owned().await.ok()?;
        let shared = self.crowd.handshakes.clone().acquire_owned().await.ok()?;
        Some([own, shared])
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut guests = self.crowd.guests();
        let Some(guest) = guests.get_mut(&self.from) else {
            return;
        };
        guest.connections = guest.connections.saturating_sub(1);
        if guest.connections == 0 {
            guests.remove(&self.from);
        }
    }
}

/// An IPv4 address, or the 64 bits of an IPv6 one that name a network: its hosts choose the rest.
fn neighbourhood(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_half_of_the_connections_and_gets_them_back() {
        let crowd = Crowd::new(4, 4);
        let enter = |from: &str| crowd.enter(from.parse().unwrap());
        let held = [enter("10.0.0.1"), enter("::ffff:10.0.0.1")];
        assert!(held.iter().all(Option::is_some));
        assert!(enter("10.0.0.1").is_none());
        let others = [enter("2001:db8::1"), enter("2001:db8::2")];
        assert!(others.iter().all(Option::is_some));
        assert!(enter("2001:db8::3").is_none());
        assert!(enter("2001:db8:0:1::1").is_some());
        drop(held);
        assert!(enter("10.0.0.1").is_some());
        drop(others);
        assert!(crowd.guests().is_empty());
    }

    #[tokio::test]
    async fn one_address_never_has_all_handshakes() {
        let crowd = Crowd::new(8, 2);
        let enter = |from: &str| crowd.enter(from.parse().unwrap()).unwrap();
        let (slow, waiting, other) = (enter("10.0.0.1"), enter("10.0.0.1"), enter("10.0.0.2"));
        let _held = slow.handshake().await.unwrap();
        assert_eq!(waiting.own.available_permits(), 0);
        assert!(other.handshake().await.is_some());
    }
}
