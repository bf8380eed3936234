//! The calls that are open on one connection.

/// A call on its way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Open {
    /// 0: none.
    stream: u32,
    /// Bytes of its answer that have come.
    pub(super) got: u32,
    /// What the server lets be sent on it.
    pub(super) credit: i64,
    /// What the server has sent on it since it was given its window.
    pub(super) used: u32,
    /// Whether it is one of the heavy ones.
    pub(super) heavy: bool,
    /// Whether the headers of its answer have.
    pub(super) answered: bool,
    /// When it was sent, in nanoseconds since the run began.
    pub(super) sent: u64,
}

/// A ring, in which each stream has its place. A stream whose place is still taken by one that hangs far
/// behind is left out.
#[derive(Debug)]
pub(super) struct Streams {
    ring: Box<[Open]>,
    next: u32,
}

impl Streams {
    pub(super) fn new(in_flight: usize) -> Self {
        let places = (4 * in_flight).next_power_of_two().max(16);
        Self { ring: vec![Open::default(); places].into(), next: 1 }
    }

    fn place(&self, stream: u32) -> usize {
        (stream >> 1) as usize & (self.ring.len() - 1)
    }

    /// Opens a stream. There must be fewer open than were said to be in flight.
    pub(super) fn open(&mut self, sent: u64, credit: i64, heavy: bool) -> u32 {
        while self.ring[self.place(self.next)].stream != 0 {
            self.next += 2;
        }
        let stream = self.next;
        let place = self.place(stream);
        self.ring[place] = Open { stream, credit, heavy, sent, ..Open::default() };
        self.next += 2;
        stream
    }

    pub(super) fn get(&mut self, stream: u32) -> Option<&mut Open> {
        let place = self.place(stream);
        Some(&mut self.ring[place]).filter(|open| open.stream == stream && stream != 0)
    }

    pub(super) fn close(&mut self, stream: u32) -> Option<Open> {
        self.get(stream).map(std::mem::take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_taken_is_left_out() {
        let mut streams = Streams::new(1);
        assert_eq!(streams.open(0, 0, false), 1);
        for _ in 0..15 {
            let stream = streams.open(0, 0, false);
            assert!(streams.close(stream).is_some());
        }
        // 33 would have the place of 1.
        assert_eq!(streams.open(0, 0, false), 35);
        assert!(streams.get(33).is_none());
        assert!(streams.get(1).is_some());
        assert!(streams.close(1).is_some());
        assert!(streams.close(1).is_none());
    }
}
