//! The processes that write.

use std::io::{Read, Write, stdout};
use std::net::TcpListener;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// What stands before the time in a line that tells it.
const TICK: &[u8] = b"tick ";

/// Does what a verb says, and ends.
pub(crate) fn perform(words: &mut dyn Iterator<Item = String>) {
    let verb = words.next().unwrap();
    let mut number = || words.next().unwrap().parse::<usize>().unwrap();
    match verb.as_str() {
        "lines" => lines(number(), number()),
        "flood" => lines(usize::MAX, 65_500),
        "endless" => write(&vec![b'x'; 65_536], number()),
        "ticks" => ticks(number()),
        "serve" => serve(number()),
        verb => panic!("no such verb: {verb}"),
    }
}

/// Lines of 100 bytes, so many bytes in all and a write.
fn lines(bytes: usize, a_write: usize) {
    let line = [&[b'x'; 99][..], b"\n"].concat();
    write(&line.repeat(a_write / line.len()), bytes);
}

/// The same block again and again, each in one write. Whoever is not read any more ends.
fn write(block: &[u8], bytes: usize) {
    let mut stdout = std::fs::File::from(std::os::fd::AsFd::as_fd(&stdout()).try_clone_to_owned().unwrap());
    let mut left = bytes;
    while left > 0 {
        let block = &block[..block.len().min(left)];
        if stdout.write_all(block).is_err() {
            return;
        }
        left -= block.len();
    }
}

/// Lines that say when they were written, one every 5 ms.
fn ticks(count: usize) {
    for _ in 0..count {
        sleep(Duration::from_millis(5));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let line = format!("tick {}\n", now.as_nanos());
        write(line.as_bytes(), line.len());
    }
}

/// Answers every HTTP request with success.
fn serve(port: usize) {
    let listener = TcpListener::bind(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut buffer = [0; 1024];
        if stream.read(&mut buffer).is_ok_and(|count| count > 0) {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
        }
    }
}

/// The times that whole lines tell.
pub(crate) fn ticks_in(lines: &[u8]) -> impl Iterator<Item = SystemTime> {
    memchr::memmem::find_iter(lines, TICK).map(|begin| {
        let digits = lines[begin + TICK.len()..].iter().take_while(|byte| byte.is_ascii_digit());
        let nanos = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
    })
}
