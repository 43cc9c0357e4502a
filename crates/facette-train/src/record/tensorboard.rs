//! TensorBoard event files: scalars only, in the TFRecord framing.
//!
//! A record is its length (u64, little endian), the masked CRC-32C of those 8 bytes, the payload
//! and the payload's masked CRC-32C; the payload is an `Event` protocol buffer
//! (tensorflow/core/util/event.proto: wall_time = 1, step = 2, file_version = 3, summary = 5;
//! summary.proto: value = 1 with tag = 1 and simple_value = 2).

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::lines::Log;
use crate::error::TrainError;

/// Added to a rotated CRC so that a CRC of data which holds CRCs stays useful.
const MASK: u32 = 0xa282_ead8;

/// An event file that is appended to.
pub(crate) struct EventFile {
    log: Log,
}

impl EventFile {
    /// Opens the event file at `path` and cuts off torn records and those after step `last`; a
    /// fresh one gets its version record.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn open(path: &Path, last: u64) -> Result<Self, TrainError> {
        let found = match std::fs::read(path) {
            Ok(found) => found,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(TrainError::io("read", path, e)),
        };
        let mut log = Log::open(path, kept(&found, last))?;
        if log.length() == 0 {
            let mut event = Vec::new();
            fixed64(&mut event, 1, now().to_bits());
            bytes(&mut event, 3, b"brain.Event:2");
            log.append(&frame(&event))?;
        }
        Ok(Self { log })
    }

    /// Adds the scalars of one step.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn scalars(
        &mut self,
        step: u64,
        scalars: &[(String, f64)],
    ) -> Result<(), TrainError> {
        let mut summary = Vec::new();
        for (tag, value) in scalars {
            let mut entry = Vec::new();
            bytes(&mut entry, 1, tag.as_bytes());
            key(&mut entry, 2, 5);
            entry.extend((*value as f32).to_le_bytes());
            bytes(&mut summary, 1, &entry);
        }
        let mut event = Vec::new();
        fixed64(&mut event, 1, now().to_bits());
        key(&mut event, 2, 0);
        varint(&mut event, step);
        bytes(&mut event, 5, &summary);
        self.log.append(&frame(&event))
    }

    /// Flushes to the disk.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn flush(&mut self) -> Result<(), TrainError> {
        self.log.flush().map(|_| ())
    }
}

/// Seconds since 1970; shown by TensorBoard as the time of a point and used for nothing else.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |elapsed| elapsed.as_secs_f64())
}

/// Bytes of the whole records up to step `last`.
fn kept(bytes: &[u8], last: u64) -> u64 {
    let mut length = 0;
    while let Some(head) = bytes.get(length..length + 12) {
        let (size, checksum) = head.split_at(8);
        if masked(size).to_le_bytes() != checksum {
            break;
        }
        let size = usize::try_from(size.iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b)));
        let end = size.ok().and_then(|size| size.checked_add(length + 12));
        let Some(end) = end else { break };
        let (Some(payload), Some(checksum)) =
            (bytes.get(length + 12..end), bytes.get(end..end.saturating_add(4)))
        else {
            break;
        };
        if masked(payload).to_le_bytes() != checksum || step_of(payload) > last {
            break;
        }
        length = end + 4;
    }
    length as u64
}

/// Step of an event as this file writes it, time first; 0 where it has none.
fn step_of(event: &[u8]) -> u64 {
    let Some((&STEP_KEY, digits)) = event.get(9..).and_then(|rest| rest.split_first()) else {
        return 0;
    };
    let end = digits.iter().position(|byte| byte & 0x80 == 0).map_or(0, |place| place + 1);
    digits[..end.min(10)].iter().rev().fold(0, |n, byte| n << 7 | u64::from(byte & 0x7f))
}

/// Field 2 as a varint.
const STEP_KEY: u8 = 2 << 3;

fn masked(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(MASK)
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked(&length).to_le_bytes());
    record.extend(payload);
    record.extend(masked(payload).to_le_bytes());
    record
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn key(out: &mut Vec<u8>, field: u64, wire: u64) {
    varint(out, field << 3 | wire);
}

fn fixed64(out: &mut Vec<u8>, field: u64, value: u64) {
    key(out, field, 1);
    out.extend(value.to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    key(out, field, 2);
    varint(out, value.len() as u64);
    out.extend(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One field of a protocol buffer: number, wire type, contents (varints as little endian).
    fn fields(mut data: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
        fn take_varint(data: &mut &[u8]) -> u64 {
            let (mut value, mut shift) = (0, 0);
            loop {
                let byte = data[0];
                *data = &data[1..];
                value |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    return value;
                }
            }
        }
        let mut list = Vec::new();
        while !data.is_empty() {
            let head = take_varint(&mut data);
            let length = match head & 7 {
                0 => {
                    let value = take_varint(&mut data);
                    list.push((head >> 3, 0, value.to_le_bytes().to_vec()));
                    continue;
                }
                1 => 8,
                5 => 4,
                _ => take_varint(&mut data) as usize,
            };
            list.push((head >> 3, head & 7, data[..length].to_vec()));
            data = &data[length..];
        }
        list
    }

    fn records(mut data: &[u8]) -> Vec<Vec<u8>> {
        let mut list = Vec::new();
        while !data.is_empty() {
            let length = u64::from_le_bytes(data[..8].try_into().unwrap()) as usize;
            assert_eq!(data[8..12], masked(&data[..8]).to_le_bytes());
            let payload = &data[12..12 + length];
            assert_eq!(data[12 + length..16 + length], masked(payload).to_le_bytes());
            list.push(payload.to_vec());
            data = &data[16 + length..];
        }
        list
    }

    #[test]
    fn checksums_are_those_of_the_format() {
        // CRC-32C of 32 zero bytes is 8a9136aa (RFC 3720, B.4), rotated and masked by hand.
        assert_eq!(masked(&[0; 32]), 0x0fd7_fffa);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_cut_to_whole_records(bytes: Vec<u8>, last: u64) {
            proptest::prop_assert!(kept(&bytes, last) <= bytes.len() as u64);
            let mut file = frame(b"\x09\0\0\0\0\0\0\0\0\x10\x05");
            let whole = file.len() as u64;
            file.extend(&bytes);
            proptest::prop_assert!(kept(&file, last.max(5)) >= whole);
        }
    }

    #[test]
    fn a_reader_finds_version_steps_tags_and_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.out.tfevents.test");
        let mut file = EventFile::open(&path, 0).unwrap();
        file.scalars(300, &[("loss".into(), 0.25), ("lr".into(), 1e-3)]).unwrap();
        file.scalars(301, &[("loss".into(), 7.0)]).unwrap();
        file.flush().unwrap();
        drop(file);
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(records(&whole).len(), 3);
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        EventFile::open(&path, 400).unwrap();
        assert_eq!(records(&std::fs::read(&path).unwrap()).len(), 2, "a torn end is gone");
        std::fs::write(&path, &whole).unwrap();
        EventFile::open(&path, 300).unwrap();

        let records = records(&std::fs::read(&path).unwrap());
        assert_eq!(records.len(), 2, "the record after step 300 is gone");
        let version = fields(&records[0]);
        assert_eq!(version[1], (3, 2, b"brain.Event:2".to_vec()));
        let event = fields(&records[1]);
        assert_eq!(event[1], (2, 0, 300u64.to_le_bytes().to_vec()));
        let values: Vec<_> = fields(&event[2].2).into_iter().map(|f| fields(&f.2)).collect();
        assert_eq!(values[0][0].2, b"loss");
        assert_eq!(values[0][1], (2, 5, 0.25f32.to_le_bytes().to_vec()));
        assert_eq!(values[1][0].2, b"lr");
    }
}
