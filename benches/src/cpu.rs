//! The CPU time of a process, seen from outside.

use std::fs;
use std::io;

/// CPU time of all threads of a process that are alive, in seconds. To the nanosecond where the kernel
/// counts so; otherwise to its clock tick.
///
/// # Errors
/// When there is no such process, or `/proc` is none of Linux's.
pub(crate) fn cpu_time(process: u32) -> io::Result<f64> {
    if fs::exists(format!("/proc/{process}/schedstat"))? { by_threads(process) } else { by_ticks(process) }
}

/// The first figure of each thread's `schedstat`: nanoseconds on a CPU.
fn by_threads(process: u32) -> io::Result<f64> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let stat = match fs::read_to_string(thread?.path().join("schedstat")) {
            // It has just ended.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            stat => stat?,
        };
        nanos += stat.split(' ').next().and_then(|first| first.parse::<u64>().ok()).ok_or_else(unreadable)?;
    }
    Ok(nanos as f64 / 1e9)
}

/// `utime` and `stime` of the process' `stat`, in ticks, of which Linux has 100 a second.
fn by_ticks(process: u32) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The program's name may have blanks, and ends by the last bracket.
    let (_, fields) = stat.rsplit_once(") ").ok_or_else(unreadable)?;
    let ticks = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>());
    let ticks = ticks.sum::<Result<u64, _>>().map_err(|_| unreadable())?;
    Ok(ticks as f64 / 100.0)
}

fn unreadable() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not as Linux writes it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_tell_about_the_same() {
        let own = std::process::id();
        let begin = by_ticks(own).unwrap();
        while by_ticks(own).unwrap() - begin < 0.05 {}
        let (threads, ticks) = (cpu_time(own).unwrap(), by_ticks(own).unwrap());
        assert!((threads - ticks).abs() < 0.5, "{threads} and {ticks}");
    }
}
