//! A capture file: pcap with nanoseconds (IETF draft-ietf-opsawg-pcap), as Wireshark and tcpdump(8) read it.

use protocol::SentPacket;

/// Microseconds have another number.
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;
const LONGEST: u32 = 65_535;

/// The file of these packets, in the order of time; `began` is the zero of their times.
#[must_use]
pub(super) fn file(packets: &[&SentPacket], began: u64) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(NANOSECONDS.to_le_bytes());
    file.extend(2_u16.to_le_bytes());
    file.extend(4_u16.to_le_bytes());
    [0, 0, LONGEST, ETHERNET].iter().for_each(|word| file.extend(word.to_le_bytes()));
    for packet in packets {
        let since = packet.at.saturating_sub(began);
        let kept = u32::try_from(packet.data.0.len()).unwrap_or(LONGEST).min(LONGEST);
        let seconds = u32::try_from(since / 1_000_000_000).unwrap_or(u32::MAX);
        let nanoseconds = u32::try_from(since % 1_000_000_000).unwrap_or(0);
        for word in [seconds, nanoseconds, kept, packet.length.max(kept)] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet.data.0.iter().take(kept as usize));
    }
    file
}

#[cfg(test)]
mod tests {
    use protocol::Bytes;

    use super::*;

    #[test]
    fn a_header_and_a_record_for_each_packet() {
        let packet =
            SentPacket { network: "n".to_owned(), at: 3_000_000_007, length: 1500, data: Bytes(vec![0xaa, 0xbb]) };
        let file = file(&[&packet], 1_000_000_000);
        assert_eq!(file.len(), 24 + 16 + 2);
        let word =
            |at: usize| file.get(at..at + 4).and_then(|octets| Some(u32::from_le_bytes(octets.try_into().ok()?)));
        assert_eq!([word(0), word(20)], [Some(NANOSECONDS), Some(ETHERNET)]);
        assert_eq!([word(24), word(28), word(32), word(36)], [Some(2), Some(7), Some(2), Some(1500)]);
    }
}
